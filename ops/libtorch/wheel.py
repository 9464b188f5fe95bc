"""A wheel, near or far, as files: which of its members are needed, where they lie in it, and unpacking them as their bytes come.

A wheel is a zip file. The libraries for CPUs are a quarter of it, so the list of its members and then only the needed ones are asked for by
range. Each is checked against the wheel's own list of checksums, whose checksum is pinned.
"""

import base64
import csv
import hashlib
import io
import itertools
import os
import struct
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

from index import CHUNK, TRANSIENT, Failure, Server, pause

# Members that lie this close together are asked for at once: a request costs more than the bytes between them.
GAP_MAX = 1 << 16


class Wheel(NamedTuple):
    """One file of the index; whatever Python runs this, since only the C++ parts are taken."""

    version: str
    filename: str
    size: int
    sha256: str
    record_sha256: str

    @property
    def record(self) -> str:
        """The member that lists every other with its checksum."""
        return f"torch-{self.version}.dist-info/RECORD"

    def target(self, member: str) -> Optional[str]:
        """Returns where a member belongs in the folder, nothing where it is not needed."""
        licences = f"torch-{self.version}.dist-info/licenses/"
        if member.startswith("torch/include/"):
            return member[len("torch/") :]
        if member in ("torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1"):
            return member[len("torch/") :]
        if member.startswith(licences):
            return "licenses/" + member[len(licences) :]
        return None


class Member(NamedTuple):
    """A file of the wheel: where it lies there, what it must be."""

    name: str
    start: int
    end: int
    packed: int
    deflated: bool
    sha256: str
    target: Optional[str]


class RemoteWheel(io.RawIOBase):
    """The wheel on its server: a file to zipfile, which reads the list of members from its end, and a source of ranges."""

    def __init__(self, server: Server, url: str, size: int) -> None:
        super().__init__()
        self.server, self.url, self.size, self.position = server, url, size, 0

    def ranges(self, start: int, length: int) -> Iterator[bytes]:
        return self.server.body(self.url, start, length, self.size)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def read(self, length: int = -1) -> bytes:
        left = max(self.size - self.position, 0)
        data = b"".join(self.ranges(self.position, left if length < 0 else min(length, left)))
        self.position += len(data)
        return data


class LocalWheel(io.FileIO):
    """The wheel as a whole on this disk."""

    def ranges(self, start: int, length: int) -> Iterator[bytes]:
        self.seek(start)
        while length > 0:
            chunk = self.read(min(CHUNK, length))
            if not chunk:
                raise Failure(f"{self.name} ends early")
            length -= len(chunk)
            yield chunk


def whole_wheel(server: Server, url: str, wheel: Wheel, path: Path) -> LocalWheel:
    """Returns the wheel after fetching all of it, or what an earlier run fetched."""
    for tries in itertools.count():
        if path.exists() and sha256_of(path) == wheel.sha256:
            return LocalWheel(path)
        try:
            fetch_whole(server, url, wheel, path)
        except TRANSIENT as error:
            pause(tries, url, error)


def fetch_whole(server: Server, url: str, wheel: Wheel, path: Path) -> None:
    progress = Progress(wheel.size)
    with server.open(url, {}) as answer, open(path, "wb") as file:
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            progress.add(len(chunk))
    if progress.done < wheel.size:
        raise ConnectionError("the connection ended early")
    if sha256_of(path) != wheel.sha256:
        path.unlink()
        raise Failure(f"{url} has not the pinned SHA-256 {wheel.sha256}: damaged on its way, or not PyTorch's file")


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Stream:
    """Reads a range piece by piece."""

    def __init__(self, chunks: Iterator[bytes], position: int) -> None:
        self.chunks, self.position, self.rest = chunks, position, b""

    def pieces(self, length: int) -> Iterator[bytes]:
        while length > 0:
            if not self.rest:
                self.rest = next(self.chunks, b"")
            if not self.rest:
                raise Failure("the list of the wheel's members does not fit its content")
            piece, self.rest = self.rest[:length], self.rest[length:]
            length -= len(piece)
            self.position += len(piece)
            yield piece

    def take(self, length: int) -> bytes:
        return b"".join(self.pieces(length))


class Progress:
    """Says how far it is: one line that changes on a terminal, else a line per tenth."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.said = max(total, 1), 0, -1
        self.terminal = sys.stdout.isatty()

    def over(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.add(len(chunk))
            yield chunk

    def add(self, count: int) -> None:
        self.done += count
        percent = min(100 * self.done // self.total, 100)
        step = percent if self.terminal else percent - percent % 10
        if step == self.said:
            return
        self.said = step
        text = f"  {self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB, {step} %"
        print(f"\r{text}" if self.terminal else text, end="\n" if not self.terminal or percent == 100 else "", flush=True)


def inflate(stream: Stream, member: Member) -> Iterator[bytes]:
    """Yields a member's content; the stream stands at or before it."""
    stream.take(member.start - stream.position)
    signature, name_length, extra_length = struct.unpack("<4s22xHH", stream.take(30))
    if signature != b"PK\x03\x04":
        raise Failure("the list of the wheel's members does not fit its content")
    stream.take(name_length + extra_length)
    if not member.deflated:
        yield from stream.pieces(member.packed)
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in stream.pieces(member.packed):
            yield inflater.decompress(piece)
        yield inflater.flush()
    except zlib.error as error:
        raise Failure(f"{member.name} is damaged: {error}") from error


def members(wheel: Wheel, file: io.RawIOBase) -> List[Member]:
    """Returns the needed members in the order of the file, with the checksums of RECORD."""
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise Failure(f"{wheel.filename} is no zip file: {error}") from error
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    ends = [info.header_offset for info in infos[1:]] + [archive.start_dir]
    places = {info.filename: (info, end) for info, end in zip(infos, ends)}

    def member(name: str, sha256: str, target: Optional[str]) -> Member:
        if name not in places:
            raise Failure(f"{wheel.filename} has no {name}")
        info, end = places[name]
        return Member(name, info.header_offset, end, info.compress_size, info.compress_type == zipfile.ZIP_DEFLATED, sha256, target)

    record = member(wheel.record, wheel.record_sha256, None)
    stream = Stream(file.ranges(record.start, record.end - record.start), record.start)
    text = b"".join(inflate(stream, record))
    if hashlib.sha256(text).hexdigest() != wheel.record_sha256:
        raise Failure(f"{wheel.record} has not the pinned checksum: damaged, or not PyTorch's file")
    needed = []
    for name, digest, _size in csv.reader(io.StringIO(text.decode())):
        target = wheel.target(name)
        if target:
            algorithm, _, value = digest.partition("=")
            assert algorithm == "sha256", "RECORD is pinned and uses one algorithm"
            needed.append(member(name, base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex(), target))
    return sorted(needed, key=lambda member: member.start)


def is_finished(path: Path, sha256: str) -> bool:
    """Returns true for a file that an earlier run left whole."""
    return path.exists() and sha256_of(path) == sha256


def unpack(wheel: Wheel, file: io.RawIOBase, folder: Path) -> None:
    """Writes every needed member that is not there yet."""
    missing = [member for member in members(wheel, file) if not is_finished(folder / member.target, member.sha256)]
    spans: List[List[Member]] = []
    for member in missing:
        if spans and member.start - spans[-1][-1].end <= GAP_MAX:
            spans[-1].append(member)
        else:
            spans.append([member])
    progress = Progress(sum(span[-1].end - span[0].start for span in spans))
    for span in spans:
        start = span[0].start
        stream = Stream(progress.over(file.ranges(start, span[-1].end - start)), start)
        for member in span:
            write(member, stream, folder)


def write(member: Member, stream: Stream, folder: Path) -> None:
    """Writes one member under its name once its checksum was seen to be right."""
    path = folder / member.target
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    digest = hashlib.sha256()
    with open(part, "wb") as file:
        for piece in inflate(stream, member):
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != member.sha256:
        part.unlink()
        raise Failure(f"{member.name} has another checksum than the wheel's list says: damaged on its way. Run this again")
    os.replace(part, path)
