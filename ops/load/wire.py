"""Requests byte by byte, over connections of their own: what libraries of clients would not send."""

import contextlib
import socket

from served import Served


class Line:
    """A connection and what was said over it."""

    def __init__(self, served: Served) -> None:
        self.socket, self.said = connect(served), b""

    def listen(self) -> bool:
        """Takes what is there without waiting; returns whether the server still holds the line."""
        self.socket.setblocking(False)
        try:
            while piece := self.socket.recv(65_536):
                self.said += piece
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


def connect(served: Served) -> socket.socket:
    host, _, port = served.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def status_of(said: bytes) -> str:
    """Returns the status that an answer begins with; `closed` where there is none."""
    words = said.split(b" ", 2)
    return words[1].decode() if said.startswith(b"HTTP/1.1 ") and len(words) > 2 else "closed"


def head(served: Served, length: int | None, path: str = "/v1/batch", kind: str = "application/json") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = [f"POST {path} HTTP/1.1", "Host: care", f"Authorization: Bearer {served.key}", f"Content-Type: {kind}", framing]
    return "\r\n".join([*lines, "", ""]).encode()


def ask(served: Served, *parts: bytes) -> str:
    """Sends a request over a connection of its own, as far as it is taken, and returns the status."""
    with connect(served) as stream:
        # Who has read enough answers and closes.
        with contextlib.suppress(OSError):
            for part in parts:
                stream.sendall(part)
        said = b""
        with contextlib.suppress(OSError):
            while piece := stream.recv(65_536):
                said += piece
                if b"\r\n\r\n" in said:
                    break
        return status_of(said)
