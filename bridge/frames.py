"""WebSocket frames that a server sends: unmasked and whole (RFC 6455 §5.2), built once and sent to many."""

from __future__ import annotations

FINAL = 0x80
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
MAX_CONTROL_BYTES = 125


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((FINAL | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((FINAL | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((FINAL | opcode, 127)) + size.to_bytes(8, "big") + payload


def text_frame(payload: bytes) -> bytes:
    """A text message; ``payload`` is UTF-8."""
    return _frame(TEXT, payload)


def ping_frame(payload: bytes = b"") -> bytes:
    return _frame(PING, payload[:MAX_CONTROL_BYTES])


def pong_frame(payload: bytes) -> bytes:
    return _frame(PONG, payload[:MAX_CONTROL_BYTES])


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; a reason too long for a control frame is cut at a character (RFC 6455 §5.5)."""
    text = reason.encode()[: MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return _frame(CLOSE, code.to_bytes(2, "big") + text)
