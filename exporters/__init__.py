"""The exporters: media servers, playlists, edge logs and viewer sessions as Prometheus metrics."""

__version__ = "0.1.0"
"""The version of the whole project; ``pyproject.toml`` reads it from here."""
