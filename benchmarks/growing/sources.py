"""What exporters read, made up for any number of streams: nginx-rtmp's statistics, playlists, a stream list."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from benchmarks.growing.scenario import RENDITIONS, SEGMENT_SECONDS, stream_name
from benchmarks.playlists import Origin
from exporters.discovery import LiveStream, write_streams

STREAMS_A_SERVER = 100
BITS_PER_SECOND = 6_000_000
_STREAM = (
    "<stream><name>{name}</name><time>{ms}</time><bw_in>6000000</bw_in><bytes_in>{bytes}</bytes_in>"
    "<bw_out>6000000</bw_out><bytes_out>{bytes}</bytes_out><bw_audio>128000</bw_audio><bw_video>5872000</bw_video>"
    "<client><id>{relay}</id><address>127.0.0.1</address><time>{ms}</time><flashver>ngx-local-relay</flashver>"
    "<dropped>0</dropped><avsync>3</avsync><timestamp>{ms}</timestamp><active/></client>"
    "<client><id>{id}</id><address>198.51.100.7</address><time>{ms}</time>"
    "<flashver>FMLE/3.0 (compatible; FMSc/1.0)</flashver><dropped>0</dropped><avsync>-19</avsync>"
    "<timestamp>{ms}</timestamp><publishing/><active/></client>"
    "<meta><video><width>1920</width><height>1080</height><frame_rate>30</frame_rate><codec>H264</codec>"
    "<profile>High</profile><compat>0</compat><level>4.2</level></video><audio><codec>AAC</codec><profile>LC</profile>"
    "<channels>2</channels><sample_rate>48000</sample_rate></audio></meta>"
    "<nclients>2</nclients><publishing/><active/></stream>"
)
_SERVER = (
    '<?xml version="1.0" encoding="utf-8" ?><rtmp><nginx_version>1.22.1</nginx_version>'
    "<nginx_rtmp_version>1.1.4</nginx_rtmp_version><pid>{pid}</pid><uptime>{seconds}</uptime>"
    "<naccepted>{count}</naccepted><bw_in>0</bw_in><bytes_in>{bytes}</bytes_in><bw_out>0</bw_out>"
    "<bytes_out>{bytes}</bytes_out><server><application><name>live</name><live>{streams}<nclients>{clients}</nclients>"
    "</live></application></server></rtmp>"
)


@dataclass(frozen=True)
class Sources:
    """Answers ``/stat/N`` as the N-th media server, ``/streams`` as the list of all streams, all else as the origin."""

    streams: int
    segment_seconds: int = int(SEGMENT_SECONDS)
    begun: float = field(default_factory=time.time)

    def __call__(self, path: str) -> tuple[str, bytes]:
        if path == "/streams":
            rows = [LiveStream(stream_name(one), "live", "live", self.begun) for one in range(self.streams)]
            return "application/json", write_streams(rows)
        if path.startswith("/stat/"):
            return "text/xml", self._stat(int(path.rpartition("/")[2]))
        if path == "/handoff":
            return "application/json", b"{}"
        return Origin(RENDITIONS, self.segment_seconds)(path)

    @property
    def servers(self) -> int:
        """How many media servers there are."""
        return -(-self.streams // STREAMS_A_SERVER)

    def _stat(self, server: int) -> bytes:
        seconds = time.time() - self.begun + 60
        own = range(server * STREAMS_A_SERVER, min((server + 1) * STREAMS_A_SERVER, self.streams))
        values = {"ms": int(seconds * 1000), "bytes": int(seconds * BITS_PER_SECOND / 8)}
        rows = [_STREAM.format(name=stream_name(one), id=2 * one + 1, relay=2 * one + 2, **values) for one in own]
        page = _SERVER.format(
            pid=1000 + server,
            seconds=int(seconds),
            count=len(own),
            bytes=len(own) * values["bytes"],
            streams="".join(rows),
            clients=2 * len(own),
        )
        return page.encode()
