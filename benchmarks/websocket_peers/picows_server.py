"""picows (C) on uvloop: the fastest WebSocket server there is for Python."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.websocket_peers.message import message

room: set[WSTransport] = set()


class Listener(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        room.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        room.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        pass


def listener(request: WSUpgradeRequest) -> WSListener:
    return Listener()


async def main(port: int) -> None:
    await ws_create_server(listener, "127.0.0.1", port, backlog=4096)
    sequence = 0
    while True:
        await asyncio.sleep(1)
        text = message(sequence).encode()
        for transport in list(room):
            transport.send(WSMsgType.TEXT, text)
        sequence += 1


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
