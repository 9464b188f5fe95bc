"""Clients that ask nothing more: connections that are kept alive, and shoppers' pages that listen. Each is kept at little cost, and leaves nothing behind."""

import http.client
import json
import secrets
import select
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from machine import say
from program import LOOK_EVERY_S
from served import PATIENCE_S, Served, post
from wire import Line, connect, status_of

# What an idle connection may take that has had an answer: two buffers of 8 KB, and the task that owns them (18 KB were measured).
KEPT_KB = 32
# What a page that listens may take. It is the same, its session and its seat: 20 to 24 KB were measured (2026-11-26, 2,000 to 10,000 pages, a
# development build). Were nothing given back when pages go, as many that come again would take more than this.
PAGE_KB = 32
# The server closes a connection without a request after this; it may be late by MARGIN_S.
KEPT_S = 75
MARGIN_S = 10
# Pages come at this pace.
PAGES_PER_S = 400
# A page that has nothing to hear hears so often that its line is alive. When it has gone, the first of these is answered with a reset, and the second
# cannot be sent: the line ends.
HEARTBEAT_S = 15
GONE_S = 2 * HEARTBEAT_S + MARGIN_S
ALIVE = ": alive\n"
# How long the server is watched without pages, and while they listen.
CALM_S, LISTEN_S = 10, 2 * HEARTBEAT_S
# What the lines of all pages may take beside the good client, as a share of a core: four times what 10,000 pages took of a development build.
CPU_SHARE = 0.1
# Id of what one page says.
MESSAGE = "said-while-all-listen"

# What an attack does: it yields what became of its clients, one by one, and what is wrong, and returns what they cost.
Doing = Generator[tuple[str, str], None, "Cost"]


@dataclass(frozen=True)
class Cost:
    """What idle clients cost while they were there, and after."""

    each_kb: float
    # Processor time beyond what the server took without them, as a share of a core; nothing where it was not looked at, as with what is left.
    cpu_share: float | None = None
    left_mb: float | None = None


def keep_alives(served: Served, clients: int) -> Doing:
    """Connections that have had an answer and ask nothing more: kept at little cost, and closed in the end."""
    before = served.memory_mb()
    streams = [connect(served) for _ in range(clients)]
    for stream in streams:
        stream.sendall(b"OPTIONS /v1/track HTTP/1.1\r\nHost: care\r\n\r\n")
    for stream in streams:
        if status_of(stream.recv(4_096)) == "closed":
            yield "unanswered", "idle keep-alives: one had no answer"
    each_kb = (served.memory_mb() - before) * 1_024 / clients
    say(f"{clients:,} idle connections at {each_kb:.1f} KB each; waiting until they are closed")
    if each_kb > KEPT_KB:
        yield "", f"idle keep-alives: {each_kb:.1f} KB each, more than {KEPT_KB}"
    waiting, poll = {stream.fileno(): stream for stream in streams}, select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN | select.POLLHUP)
    end = time.monotonic() + KEPT_S + MARGIN_S
    while waiting and time.monotonic() < end:
        for number, _ in poll.poll(1_000):
            poll.unregister(number)
            waiting.pop(number).close()
            yield "closed", ""
    for stream in waiting.values():
        stream.close()
        yield "kept", f"idle keep-alives: one was still there after {KEPT_S + MARGIN_S} s"
    return Cost(each_kb)


class Page(Line):
    """A shopper's page: it opens a session, listens over the same connection, and has heard of its thread what there is."""

    def __init__(self, served: Served) -> None:
        super().__init__(served)
        self.address = served.address
        connection = http.client.HTTPConnection(served.address)
        connection.sock = self.socket
        status, said = post(connection, "/chat/session", served.key, {"page": secrets.token_hex(16)})
        self.session = json.loads(said)["session"] if status == 200 else ""
        lines = ["GET /chat/stream HTTP/1.1", "Host: care", f"Authorization: Bearer {self.session}", "Accept: text/event-stream"]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.hear("ready")

    @property
    def sits(self) -> bool:
        return status_of(self.said) == "200"

    def hear(self, name: str, of: str = "") -> bool:
        """Waits for an event of a name whose data hold a text; returns whether it has come."""
        end = time.monotonic() + PATIENCE_S
        while (left := end - time.monotonic()) > 0:
            is_open = self.listen()
            if any(told == name and of in data for told, data in self.events()):
                return True
            if not is_open or (self.said and not self.sits):
                return False
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            poll.poll(left * 1e3)
        return False

    def text(self) -> str:
        """Returns what the stream has told."""
        return whole_chunks(self.said.partition(b"\r\n\r\n")[2]).decode() if self.sits else ""

    def events(self) -> list[tuple[str, str]]:
        return events(self.text())

    def speak(self, message: str) -> int:
        """Says something as its session, over a connection of its own as a browser would; returns the status."""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        try:
            status, _ = post(connection, "/chat/messages", self.session, {"id": message, "text": "Where is my order?", "lang": "en"})
            return status
        finally:
            connection.close()


def whole_chunks(sent: bytes) -> bytes:
    """Returns what the chunks of a body hold that are there as a whole."""
    held = bytearray()
    while b"\r\n" in sent:
        size, _, sent = sent.partition(b"\r\n")
        if len(sent) < int(size, 16) + 2:
            break
        held += sent[: int(size, 16)]
        sent = sent[int(size, 16) + 2 :]
    return bytes(held)


def events(text: str) -> list[tuple[str, str]]:
    """Returns name and data of the events of a stream: comments are none, nor is what is not whole."""
    blocks = [dict(line.partition(": ")[::2] for line in block.split("\n")) for block in text.split("\n\n")[:-1]]
    return [(fields["event"], fields["data"]) for fields in blocks if "event" in fields]


def arrive(served: Served, clients: int) -> tuple[list[Page], str]:
    """Has so many pages listen; returns those that do, and why there are no more."""
    pages, begun = [], time.monotonic()
    for nth in range(clients):
        time.sleep(max(begun + nth / PAGES_PER_S - time.monotonic(), 0))
        try:
            page = Page(served)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return pages, f"idle pages: {nth:,} listen, the next has no line: {error or type(error).__name__}"
        if not page.sits:
            page.socket.close()
            return pages, f"idle pages: {nth:,} listen, the next is answered {status_of(page.said)}"
        pages.append(page)
    return pages, ""


def pages(served: Served, clients: int) -> Doing:
    """As many as there are seats, with nothing to hear: when one says something it hears its turn, the others hear nothing; they go, and as many come again."""
    calm, before, sockets = served.cpu_share(CALM_S), served.memory_mb(), served.sockets()
    listening, fault = arrive(served, clients)
    yield "", fault
    each_kb, cpu_share = each(served, before, listening), max(served.cpu_share(LISTEN_S) - calm, 0)
    say(f"{len(listening):,} pages listen at {each_kb:.1f} KB each and {cpu_share:.1%} of a core")
    if not fault:
        yield one_too_many(served)
    yield from one_speaks(listening)
    yield "", gone(served, sockets)
    left_mb = served.memory_mb() - before
    say(f"they are gone, {left_mb:+.0f} MB is left; as many come again")
    listening, fault = arrive(served, clients)
    yield "", f"again, {fault}" if fault else ""
    again_kb = each(served, before, listening)
    for page in listening:
        page.socket.close()
    if max(each_kb, again_kb) > PAGE_KB:
        yield "", f"idle pages: {each_kb:.1f} KB each, and {again_kb:.1f} when as many came again; more than {PAGE_KB}"
    if cpu_share > CPU_SHARE:
        yield "", f"idle pages: {cpu_share:.1%} of a core for nothing, more than {CPU_SHARE:.0%}"
    return Cost(each_kb, cpu_share, left_mb)


def each(served: Served, before_mb: float, listening: list[Page]) -> float:
    """Returns what each page takes. Units: KB."""
    return (served.memory_mb() - before_mb) * 1_024 / max(len(listening), 1)


def one_too_many(served: Served) -> tuple[str, str]:
    late = Page(served)
    late.socket.close()
    status, is_told_when = status_of(late.said), b"\r\nretry-after:" in late.said.lower()
    return f"refused {status}", "" if status == "503" and is_told_when else f"idle pages: one too many is answered {status}, not 503 with Retry-After"


def one_speaks(listening: list[Page]) -> Iterator[tuple[str, str]]:
    """Has one of them say something, then all of them go; yields what each had heard until then, and what is wrong."""
    speaker = listening[len(listening) // 2] if listening else None
    if speaker:
        begun = time.monotonic()
        status, heard = speaker.speak(MESSAGE), speaker.hear("turn", MESSAGE)
        say(f"one of them is answered {status} and {'hears its turn' if heard else 'hears nothing'} after {(time.monotonic() - begun) * 1e3:.0f} ms")
    # They have read what was told, as browsers do: a line that is closed with something unread in it ends at once.
    still = [(page, page.listen()) for page in listening]
    for page, is_open in still:
        page.socket.close()
        yield heard_by(page.text(), is_open=is_open, spoke=page is speaker)


def heard_by(text: str, *, is_open: bool, spoke: bool) -> tuple[str, str]:
    """Returns what became of a page that was told a text, and what is wrong with that."""
    told = [(name, data) for name, data in events(text) if name != "ready"]
    if not is_open:
        return "closed", "idle pages: one lost its line"
    if ALIVE not in text:
        return "silent", f"idle pages: one has not heard within {LISTEN_S} s that its line is alive"
    if spoke:
        has_heard = any(name == "turn" and MESSAGE in data for name, data in told)
        return ("heard its turn", "") if has_heard else ("heard nothing", "idle pages: the one that spoke has not heard its turn")
    return ("heard nothing", "") if not told else ("heard another's", f"idle pages: one heard what was not its own: {told[0][0]}")


def gone(served: Served, sockets: int) -> str:
    """Waits until the server has no more connections than before; returns what is wrong."""
    end = time.monotonic() + GONE_S
    while (left := served.sockets() - sockets) > 0:
        if time.monotonic() > end:
            return f"idle pages: {left:,} connections are still there {GONE_S} s after their pages went"
        time.sleep(LOOK_EVERY_S)
    return ""
