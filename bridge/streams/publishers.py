"""Ends the connections that a stream is published over: the media servers are asked who publishes, and told to cut."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode, urljoin

import requests

from exporters.errors import SourceError, SourceUnreachableError
from exporters.naming import Naming
from exporters.rtmp.backends import BACKENDS
from exporters.rtmp.fetch import HttpFetch
from exporters.rtmp.model import StreamReading
from exporters.rtmp.targets import Target

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 3.0
LOOKS, LOOK_SECONDS = 4, 1.0
"""Who was let in just before the stop is seen by a later look."""
MEDIAMTX_LISTS = {
    "rtmp": "rtmpconns",
    "rtmps": "rtmpsconns",
    "srt": "srtconns",
    "webrtc": "webrtcsessions",
    "rtsp": "rtspsessions",
    "rtsps": "rtspssessions",
}


class Publishers:
    """Cuts publishers off in the background, so that a media server that is away delays nobody.

    ``on_result`` hears of each cut and media server: ``ok``, ``absent`` (nobody published) or ``failed``.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        authorization: str = "",
        on_result: Callable[[str], None] = lambda result: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._targets = tuple(targets)
        self._authorization = authorization
        self._on_result = on_result
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="publishers")

    def cut(self, stream_id: str) -> None:
        """Begin to end every connection that publishes this stream or a rendition of it."""
        for target in self._targets:
            self._pool.submit(self._cut_at, target, stream_id)

    def _cut_at(self, target: Target, stream_id: str) -> None:
        try:
            ended = self.end(target, stream_id)
        except SourceError as error:
            log.error("stream %s was stopped, but %s could not be told to cut it: %s", stream_id, target.name, error)
            self._on_result("failed")
        else:
            log.info("stream %s was stopped: %d connections ended at %s", stream_id, ended, target.name)
            self._on_result("ok" if ended else "absent")

    def end(self, target: Target, stream_id: str) -> int:
        """End the publishers of a stream at one media server; how many there were. Raises SourceError."""
        fetch = HttpFetch(TIMEOUT_SECONDS, fresh=target.workers > 1, authorization=self._authorization)
        source, naming, ended = BACKENDS[target.backend].source(target, fetch), Naming(), 0
        for look in range(LOOKS):
            if look:
                self._sleep(LOOK_SECONDS)
            readings = source.read()
            found = [one for reading in readings for one in reading.streams if naming.stream(one.name) == stream_id]
            published = [one for one in found if one.publisher is not None and not one.publisher.relay]
            if not published and look:
                return ended
            for one in published:
                for method, url in commands(target, one):
                    self._send(method, url)
                ended += 1
        raise SourceError("it goes on publishing", "refused")

    def _send(self, method: str, url: str) -> None:
        headers = {"Authorization": self._authorization} if self._authorization else {}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(method, url, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise SourceUnreachableError(f"no connection: {type(error).__name__}", "connect") from error
        if answer.status_code != 404 and not answer.ok:  # 404: the connection has ended meanwhile
            raise SourceUnreachableError(f"{method} answered HTTP {answer.status_code}", "http")


def commands(target: Target, stream: StreamReading) -> Iterator[tuple[str, str]]:
    """The requests (method, URL) that end this stream's publisher; raises SourceError where there is none such.

    nginx-rtmp's control module must be at ``control`` beside the statistics page, with every worker's listener.
    """
    publisher = stream.publisher
    assert publisher is not None
    if target.backend == "nginx-rtmp":
        query = urlencode({"app": stream.app, "name": stream.name})
        for url in target.urls:
            yield "GET", f"{urljoin(url, 'control/drop/publisher')}?{query}"
        return
    base = target.urls[0].rstrip("/")
    client = quote(publisher.id, safe="")
    if target.backend == "srs":
        yield "DELETE", f"{base.removesuffix('/api/v1')}/api/v1/clients/{client}"
    elif publisher.protocol in MEDIAMTX_LISTS:
        yield "POST", f"{base.removesuffix('/v3')}/v3/{MEDIAMTX_LISTS[publisher.protocol]}/kick/{client}"
    else:
        raise SourceError(f"publishers by {publisher.protocol} cannot be cut", "protocol")
