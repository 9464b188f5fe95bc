"""Tests of fetching libtorch against a small server on this machine: a wheel of the same shape, with a library that is compiled here."""

import base64
import contextlib
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock
import zipfile
from pathlib import Path

import index
from index import Failure
from make import make
from wheel import Wheel

VERSION = "2.13.0"
FILENAME = f"torch-{VERSION}-cp311-cp311-manylinux_2_28_x86_64.whl"
INFO = f"torch-{VERSION}.dist-info"


def compiled_libraries(folder: Path) -> "tuple[bytes, bytes]":
    """Returns a libtorch_cpu.so that needs versioned symbols of two libraries, as the real one does, and a libc10.so."""
    symbols = {"libcudart.so.13": ["cudaGetErrorString", "cudaFree"], "libcupti.so.13": ["cuptiEnableKernelReplay"]}
    for name, functions in symbols.items():
        (folder / "v.map").write_text(f"{name} {{ global: {'; '.join(functions)}; }};")
        (folder / "v.c").write_text("".join(f"int {function}(void) {{ return 0; }}" for function in functions))
        subprocess.run(["cc", "-shared", "-fPIC", "-o", name, f"-Wl,-soname,{name}", "-Wl,--version-script=v.map", "v.c"], cwd=folder, check=True)
    (folder / "cpu.c").write_text(
        "int cudaFree(void); int cuptiEnableKernelReplay(void); const char *cudaGetErrorString(int);"
        "int answers(void) { return cudaFree() + cuptiEnableKernelReplay(); }"
        "const char *message(void) { return cudaGetErrorString(35); }"
    )
    command = ["cc", "-shared", "-fPIC", "-o", "libtorch_cpu.so", "-Wl,-soname,libtorch_cpu.so", "-Wl,-rpath,$ORIGIN", "cpu.c", *symbols]
    subprocess.run(command, cwd=folder, check=True)
    subprocess.run(["cc", "-shared", "-x", "c", "/dev/null", "-o", "libc10.so", "-Wl,-soname,libc10.so"], cwd=folder, check=True)
    return (folder / "libtorch_cpu.so").read_bytes(), (folder / "libc10.so").read_bytes()


def build_wheel(cpu: bytes, c10: bytes) -> "tuple[Wheel, bytes]":
    """Returns a wheel with needed members, and a large one between them that is not needed."""
    content = {
        "torch/__init__.py": b"raise RuntimeError('never imported')",
        "torch/include/torch/first.h": b"// first\n" * 1000,
        "torch/lib/libtorch_cuda.so": os.urandom(300_000),
        "torch/lib/libc10.so": c10 + os.urandom(50_000),
        "torch/lib/libgomp.so.1": os.urandom(1000),
        "torch/lib/libtorch_cpu.so": cpu,
        f"{INFO}/licenses/LICENSE": b"BSD",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for name, data in content.items()
    )
    content[f"{INFO}/RECORD"] = (record + f"{INFO}/RECORD,,\n").encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data, zipfile.ZIP_DEFLATED if name.endswith((".h", "cpu.so")) else zipfile.ZIP_STORED)
    data = packed.getvalue()
    record_sha256 = hashlib.sha256(content[f"{INFO}/RECORD"]).hexdigest()
    return Wheel(VERSION, FILENAME, len(data), hashlib.sha256(data).hexdigest(), record_sha256), data


class Index(http.server.ThreadingHTTPServer):
    """A package index with one wheel, and what it is told to do wrong."""

    def __init__(self, wheel: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.wheel = wheel
        self.ranges = True
        self.html = False
        self.password = ""
        # Bytes that may still be sent before every connection breaks.
        self.bytes_left = sys.maxsize
        # Connections that break after half of what they should send.
        self.breaks = 0
        # Answers of 503 before the first good one.
        self.unavailable = 0
        self.sent = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if self.server.unavailable > 0:
            self.server.unavailable -= 1
            self.send_error(503)
        elif self.server.password and self.headers.get("Authorization") != self.server.password:
            self.send_error(401)
        elif self.path == "/simple/torch/":
            self.send_page()
        elif self.path == f"/files/{FILENAME}":
            self.send_wheel()
        else:
            self.send_error(404)

    def send_page(self) -> None:
        if self.server.html:
            body, kind = f'<a href="../../files/{FILENAME}#sha256=0">{FILENAME}</a>'.encode(), "text/html"
        else:
            files = [{"filename": "torch-0.1.tar.gz", "url": "/files/old"}, {"filename": FILENAME, "url": f"/files/{FILENAME}"}]
            body, kind = json.dumps({"files": files}).encode(), "application/vnd.pypi.simple.v1+json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_wheel(self) -> None:
        wheel, asked = self.server.wheel, self.headers.get("Range")
        if asked and self.server.ranges:
            first, last = (int(number) for number in asked[len("bytes=") :].split("-"))
            body = wheel[first : last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(wheel)}")
        else:
            body = wheel
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Before any bytes of the wheel itself go out, the list at its end may: only larger parts are broken.
        sent = body
        if self.server.breaks > 0 and len(body) > 2000:
            self.server.breaks -= 1
            sent = body[: len(body) // 2]
        sent = sent[: self.server.bytes_left]
        self.server.bytes_left -= len(sent)
        self.server.sent += len(sent)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(sent)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


class FetchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as folder:
            cls.cpu, cls.c10 = compiled_libraries(Path(folder))

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "cache" / "libtorch"
        self.wheel, data = build_wheel(self.cpu, self.c10)
        self.index = Index(data)
        threading.Thread(target=self.index.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(self.index.server_close)
        self.addCleanup(self.index.shutdown)
        self.pip = {}
        environment = {"PIP_INDEX_URL": f"http://127.0.0.1:{self.index.server_port}/simple/", "PIP_CERT": "", "no_proxy": "127.0.0.1"}
        for patch in (
            unittest.mock.patch.dict(os.environ, environment),
            unittest.mock.patch.object(index, "PAUSES_S", (0, 0, 0)),
            unittest.mock.patch.object(index, "pip", lambda *arguments: self.pip.get(arguments, "")),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def make(self) -> str:
        """Makes the folder; returns what was printed."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            make(self.wheel, self.folder)
        return out.getvalue()

    def assert_whole(self) -> None:
        """The folder holds what a build needs and nothing else, and a program that links it starts."""
        files = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        libraries = ["libc10.so", "libcudart.so.13", "libcupti.so.13", "libgomp.so.1", "libtorch.so", "libtorch_cpu.so"]
        wanted = {"build-version", "include/torch/first.h", "licenses/LICENSE", *(f"lib/{name}" for name in libraries)}
        self.assertEqual(files, wanted)
        self.assertEqual((self.folder / "build-version").read_text(), VERSION + "\n")
        self.assertEqual((self.folder / "lib/libtorch_cpu.so").read_bytes(), self.cpu)
        self.assertFalse(Path(f"{self.folder}.partial").exists())

    def test_needed_members_come_by_range(self) -> None:
        self.make()
        self.assert_whole()
        self.assertLess(self.index.sent, 120_000, "the large member that nobody needs stayed where it was")

    def test_index_page_may_be_html(self) -> None:
        self.index.html = True
        self.make()
        self.assert_whole()

    def test_password_of_the_index_is_sent_and_not_shown(self) -> None:
        self.index.password = "Basic " + base64.b64encode(b"me:se cret").decode()
        with self.assertRaisesRegex(Failure, "401"):
            self.make()
        os.environ["PIP_INDEX_URL"] = os.environ["PIP_INDEX_URL"].replace("//", "//me:se%20cret@")
        self.assertNotIn("cret", self.make())
        self.assert_whole()

    def test_whole_wheel_is_taken_where_ranges_are_ignored(self) -> None:
        self.index.ranges = False
        self.assertIn("whole wheel", self.make())
        self.assert_whole()

    def test_broken_connections_go_on_at_the_byte_where_they_broke(self) -> None:
        self.index.breaks = 3
        self.make()
        self.assert_whole()
        self.assertLess(self.index.sent, 120_000)

    def test_whole_wheel_is_asked_for_again_when_it_broke_off(self) -> None:
        self.index.ranges = False
        self.index.breaks = 2
        self.make()
        self.assert_whole()

    def test_server_that_is_busy_is_asked_again(self) -> None:
        self.index.unavailable = 3
        self.make()
        self.assert_whole()

    def test_second_run_fetches_only_what_is_missing(self) -> None:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            make(self.wheel, Path(folder) / "libtorch")
        self.index.bytes_left, self.index.sent = self.index.sent - 1000, 0
        with self.assertRaisesRegex(Failure, "run this again"):
            self.make()
        self.assertFalse(self.folder.exists())
        self.index.bytes_left, self.index.sent = sys.maxsize, 0
        self.make()
        self.assert_whole()
        self.assertLess(self.index.sent, 40_000, "the member of more than 50,000 bytes was kept")

    def test_damaged_file_of_an_earlier_run_is_fetched_again(self) -> None:
        broken = Path(f"{self.folder}.partial") / "lib/libc10.so"
        broken.parent.mkdir(parents=True)
        broken.write_bytes(b"half")
        self.make()
        self.assert_whole()

    def test_member_with_a_wrong_checksum_is_refused(self) -> None:
        wheel = bytearray(self.index.wheel)
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            place = archive.getinfo("torch/lib/libgomp.so.1").header_offset + 500
        wheel[place] ^= 1
        self.index.wheel = bytes(wheel)
        with self.assertRaisesRegex(Failure, "libgomp.so.1 has another checksum"):
            self.make()
        self.assertFalse(self.folder.exists())

    def test_another_wheel_of_the_same_name_is_refused(self) -> None:
        _, self.index.wheel = build_wheel(self.cpu, self.c10)
        with self.assertRaisesRegex(Failure, "RECORD has not the pinned checksum"):
            self.make()
        self.index.wheel += b" "
        with self.assertRaisesRegex(Failure, "another size"):
            self.make()
        self.assertFalse(self.folder.exists())

    def test_whole_wheel_with_a_wrong_checksum_is_refused(self) -> None:
        self.index.ranges = False
        self.index.wheel = self.index.wheel[:-1] + b"x"
        with self.assertRaisesRegex(Failure, "pinned SHA-256"):
            self.make()
        self.assertFalse(self.folder.exists())

    def test_index_is_the_one_that_pip_uses(self) -> None:
        self.assertIn("127.0.0.1", index.index_url())
        del os.environ["PIP_INDEX_URL"]
        with self.assertRaisesRegex(Failure, "PIP_INDEX_URL .* or LIBTORCH"):
            index.index_url()
        self.pip["help", "download"] = "-i, --index-url <url>  Base URL (default https://default.example/simple). --extra-index-url <url> more"
        self.assertEqual(index.index_url(), "https://default.example/simple")
        self.pip["config", "get", "global.index-url"] = "https://own.example/simple"
        self.assertEqual(index.index_url(), "https://own.example/simple")

    def test_index_without_the_wheel_says_what_to_do(self) -> None:
        with self.assertRaisesRegex(Failure, "PIP_INDEX_URL .* or LIBTORCH"):
            make(self.wheel._replace(filename="torch-9-cp311-cp311-manylinux_2_28_x86_64.whl"), self.folder)

    def test_two_runs_at_once_make_it_once(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            threads = [threading.Thread(target=make, args=(self.wheel, self.folder)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assert_whole()
        self.assertLess(self.index.sent, 120_000)

    def test_stand_ins_have_the_versions_that_the_loader_looks_for(self) -> None:
        self.make()
        main = self.folder / "main.c"
        main.write_text("int answers(void); const char *message(void); int main(void) { return answers() != 35 + 15 || message()[0] != 'b'; }")
        library = str(self.folder / "lib")
        subprocess.run(["cc", "main.c", "-o", "main", f"-L{library}", "-ltorch", "-l:libtorch_cpu.so", f"-Wl,-rpath,{library}"], cwd=self.folder, check=True)
        done = subprocess.run([self.folder / "main"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
