"""Servers of other makes that send the same message once a second, to measure the bridge's sockets against."""
