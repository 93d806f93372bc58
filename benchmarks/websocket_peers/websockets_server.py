"""The websockets library's asyncio server with its own broadcast function."""

from __future__ import annotations

import asyncio
import logging
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.websocket_peers.message import message

room: set[ServerConnection] = set()


async def handler(connection: ServerConnection) -> None:
    room.add(connection)
    try:
        await connection.wait_closed()
    finally:
        room.discard(connection)


async def main(port: int) -> None:
    async with serve(handler, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096):
        sequence = 0
        while True:
            await asyncio.sleep(1)
            broadcast(room, message(sequence))
            sequence += 1


if __name__ == "__main__":
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    asyncio.run(main(int(sys.argv[1])))
