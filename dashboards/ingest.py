"""RTMP ingest: do publishers get in, and does what they send arrive whole?"""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import BITS, COUNT, HERTZ, NO_UNIT, PER_SECOND, RATIO, SECONDS, lines, stat, states, table
from exporters import metrics
from prometheus import objectives, recorded
from prometheus.promql import average, bits, per, top

VARIABLES = (variables.REGION, variables.SERVER, variables.STREAM)
HERE = variables.scope(VARIABLES)
INGEST_RATE = HERE.recorded(recorded.STREAM_INGEST_RATE)

RATES = Section(
    "Publishers",
    (
        stat(
            "Publishing",
            COUNT,
            Query(HERE.gauge("sum", metrics.RTMP_STREAM_UP)),
            "Streams that are being published now.",
            width=6,
        ),
        stat(
            "Subscribers",
            COUNT,
            Query(HERE.gauge("sum", metrics.RTMP_STREAM_CLIENTS, role="subscriber")),
            "Players and packagers that read RTMP from the media servers; HLS viewers are not among them.",
            width=6,
        ),
        stat(
            "Reconnects an hour",
            COUNT,
            Query(HERE.increase(metrics.RTMP_RECONNECTS)),
            "Publishes that came back within a minute, over the range shown. Many: a publisher's uplink is unsteady.",
            width=6,
        ),
        stat(
            "Host CPU",
            RATIO,
            Query(HERE.gauge("max", metrics.RTMP_HOST_CPU)),
            "The busiest media host. Red: it drops frames soon; move streams or add a server.",
            thresholds.rising(objectives.HOST_CPU_RATIO),
            width=6,
        ),
        lines(
            "Publish attempts",
            PER_SECOND,
            "Hooks by result. Refused ones with a known publisher: a wrong or rotated key.",
            Query(HERE.rate(metrics.RTMP_HOOK_EVENTS, "event", "result"), "{{event}} {{result}}"),
            width=8,
        ),
        lines(
            "Publishes begun",
            PER_SECOND,
            "Publishes begun, by how they were noticed.",
            Query(HERE.rate(metrics.RTMP_PUBLISH_STARTS, "reason"), "{{reason}}"),
            width=8,
        ),
        lines(
            "Disconnects",
            PER_SECOND,
            "Publishes ended by reason. A burst of several at once points at the server or its network.",
            Query(HERE.rate(metrics.RTMP_PUBLISH_ENDS, "reason"), "{{reason}}"),
            width=8,
        ),
    ),
)
STREAMS = Section(
    "Streams",
    (
        lines(
            "Bitrate",
            BITS,
            "What each of the ten largest streams sends.",
            Query(bits(top(10, INGEST_RATE)), "{{stream}}"),
            links=(links.STREAM_OF_SERIES,),
        ),
        lines(
            "Bitrate against its last half hour",
            RATIO,
            "Below the line: the publisher's uplink or encoder fails, or it shows a still picture.",
            Query(per(INGEST_RATE, average(INGEST_RATE, "30m")), "{{stream}}"),
            steps=((None, thresholds.CRITICAL), (objectives.INGEST_BITRATE_RATIO, thresholds.GOOD)),
            unbounded=True,
            links=(links.STREAM_OF_SERIES,),
        ),
        lines(
            "Frame rate",
            HERTZ,
            "Frames a second that publishers declare.",
            Query(HERE.gauge("max", metrics.RTMP_STREAM_FRAME_RATE, "stream"), "{{stream}}"),
            steps=thresholds.falling(objectives.FRAME_RATE_HERTZ),
            width=8,
        ),
        lines(
            "Keyframe interval",
            SECONDS,
            "Where the server knows it. Longer than a segment should be: segments get too long and starts slow.",
            Query(HERE.gauge("max", metrics.RTMP_STREAM_KEYFRAME_INTERVAL, "stream"), "{{stream}}"),
            steps=thresholds.rising(objectives.KEYFRAME_INTERVAL_SECONDS),
            width=8,
        ),
        lines(
            "Dropped frames",
            PER_SECOND,
            "Frames that media servers drop for slow readers, by role. Rising: a network or a relay cannot keep up.",
            Query(HERE.rate(metrics.RTMP_STREAM_DROPPED_FRAMES, "stream", "role"), "{{stream}} {{role}}"),
            width=8,
        ),
        table(
            "What is published",
            "Uptime, picture and bitrate of each stream.",
            Query(HERE.age(metrics.RTMP_STREAM_START, "stream"), column="Uptime", unit=SECONDS),
            Query(HERE.gauge("max", metrics.RTMP_STREAM_WIDTH, "stream"), column="Width", unit=NO_UNIT),
            Query(HERE.gauge("max", metrics.RTMP_STREAM_HEIGHT, "stream"), column="Height", unit=NO_UNIT),
            Query(bits(INGEST_RATE), column="Bitrate", unit=BITS),
            links=(links.STREAM_OF_ROW,),
        ),
        table(
            "Codecs and encoders",
            "How many streams use which. An encoder that others do not use explains a fault that others do not have.",
            Query(
                HERE.gauge("count", metrics.RTMP_STREAM_INFO, "protocol", "video_codec", "audio_codec", "encoder"),
                column="Streams",
                unit=COUNT,
            ),
        ),
    ),
)
SERVERS = Section(
    "Servers",
    (
        lines(
            "Server bandwidth",
            BITS,
            "What each media server receives and sends. Flat at the network's limit: it is saturated.",
            Query(bits(HERE.rate(metrics.RTMP_SERVER_RECEIVE_BYTES, "target")), "{{target}} in"),
            Query(bits(HERE.rate(metrics.RTMP_SERVER_TRANSMIT_BYTES, "target")), "{{target}} out"),
        ),
        lines(
            "Connections accepted",
            PER_SECOND,
            "New connections. A storm without new publishers: someone reconnects in a loop.",
            Query(HERE.rate(metrics.RTMP_SERVER_CONNECTIONS, "target"), "{{target}}"),
        ),
        states(
            "Servers answer",
            "Whether the last poll of each media server succeeded. Red: its streams' numbers are withheld.",
            Query(HERE.gauge("min", metrics.RTMP_UP, "target"), "{{target}}"),
            mappings=thresholds.YES_NO,
            steps=thresholds.none_is_bad(),
            width=12,
        ),
        lines(
            "Poll duration",
            SECONDS,
            "How long media servers take to tell their state. Rising: they are overloaded.",
            Query(HERE.gauge("max", metrics.RTMP_SCRAPE_DURATION, "target"), "{{target}}"),
            steps=thresholds.rising(objectives.SCRAPE_SECONDS),
        ),
    ),
    collapsed=True,
)

PAGE = Page(
    links.INGEST,
    "RTMP ingest",
    "Do publishers get in, and does what they send arrive whole?",
    VARIABLES,
    (RATES, STREAMS, SERVERS),
)
