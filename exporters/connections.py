"""A thread for each connection of a server, and an end to those that clients keep."""

from __future__ import annotations

import contextlib
import socket
from socketserver import BaseServer, ThreadingMixIn
from typing import Any

from exporters.checks import family_of


class ThreadedConnections(ThreadingMixIn, BaseServer):
    """Mixed into a server: once it is closed it serves nobody, not even over the connections that were open.

    It listens on IPv4 or IPv6, as the address is.
    """

    daemon_threads = True
    address_family: int

    def __init__(self, address: tuple[str, int], *arguments: Any) -> None:
        self._connections: set[socket.socket] = set()
        self.address_family = family_of(address[0])
        super().__init__(address, *arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
