"""The Python package index as pip is set up to use it: which one, with which certificate and password, and where a wheel lies there."""

import base64
import contextlib
import html.parser
import http.client
import itertools
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Dict, Iterator, List, NamedTuple

# Seconds before each further try when nothing came; any byte that comes starts the list anew.
PAUSES_S = (1, 2, 4, 8, 16)
TIMEOUT_S = 60
CHUNK = 1 << 18


class Failure(Exception):
    """What went wrong, and what to do about it."""


class RangesIgnored(Exception):
    """The server answered a range with the whole file."""


def pip(*arguments: str) -> str:
    """Returns what the first pip that can be found prints; nothing when there is none or it refuses."""
    environment = dict(os.environ, COLUMNS="1000", PIP_DISABLE_PIP_VERSION_CHECK="1")
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        with contextlib.suppress(OSError):
            done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.strip()
    return ""


def pip_setting(name: str) -> str:
    """Returns a setting of pip: of the environment, else of its files."""
    return os.environ.get("PIP_" + name.upper().replace("-", "_")) or pip("config", "get", f"global.{name}")


def index_url() -> str:
    """Returns the index that pip would use."""
    url = pip_setting("index-url")
    if not url:
        default = re.search(r"--index-url <url>.*?\(default (\S+?)\)", pip("help", "download"), re.DOTALL)
        url = default.group(1) if default else ""
    if not url:
        raise Failure(
            "no Python package index is known here. Install pip (Debian: apt-get install python3-pip), "
            "or set PIP_INDEX_URL to your index, or LIBTORCH to a folder with libtorch"
        )
    return url


# --- requests ---------------------------------------------------------------------------------------------------------------------------

# What may pass when the same is asked again.
TRANSIENT = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


class Server:
    """Asks with pip's certificate and with the user and password of the index's address."""

    def __init__(self, index: str, certificate: str = "") -> None:
        parts = urllib.parse.urlsplit(index)
        user, at, host = parts.netloc.rpartition("@")
        self.index = urllib.parse.urlunsplit(parts._replace(netloc=host)).rstrip("/")
        self.host = host
        self.authorization = "Basic " + base64.b64encode(urllib.parse.unquote(user).encode()).decode() if at else ""
        self.context = ssl.create_default_context(cafile=certificate or None)

    def open(self, url: str, headers: Dict[str, str]) -> http.client.HTTPResponse:
        """Returns an answer, once. Failure: the server refuses for good. TRANSIENT: it may answer later."""
        request = urllib.request.Request(url, headers=headers)
        if self.authorization and urllib.parse.urlsplit(url).netloc == self.host:
            request.add_unredirected_header("Authorization", self.authorization)
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self.context)
        except urllib.error.HTTPError as error:
            if error.code in (408, 425, 429) or error.code >= 500:
                raise
            raise Failure(f"{url} answers {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise Failure(f"{url}: {error.reason}. Set PIP_CERT to the file of certificates that pip uses") from error
            raise

    def body(self, url: str, start: int, length: int, size: int) -> Iterator[bytes]:
        """Yields a part of a file; goes on where it stopped when the connection breaks. RangesIgnored: the server sends the whole."""
        done = tries = 0
        while done < length:
            asked = {"Range": f"bytes={start + done}-{start + length - 1}"}
            try:
                with self.open(url, asked) as answer:
                    place, _, total = answer.headers.get("Content-Range", "").partition("/")
                    if not place.startswith(f"bytes {start + done}-"):
                        raise RangesIgnored
                    if total not in (str(size), "*"):
                        raise Failure(f"{url} is of another size than PyTorch's file: {total} bytes, not {size}")
                    while chunk := answer.read(min(CHUNK, length - done)):
                        done += len(chunk)
                        tries = 0
                        yield chunk
                if done < length:
                    raise ConnectionError("the connection ended early")
            except TRANSIENT as error:
                pause(tries, url, error)
                tries += 1

    def page(self, url: str, headers: Dict[str, str]) -> "Page":
        """Returns a whole small answer."""
        for tries in itertools.count():
            try:
                with self.open(url, headers) as answer:
                    return Page(answer.url, answer.headers.get_content_type(), answer.read())
            except TRANSIENT as error:
                pause(tries, url, error)


class Page(NamedTuple):
    """An answer that was read to its end."""

    url: str
    content_type: str
    body: bytes


def pause(tries: int, url: str, error: Exception) -> None:
    """Waits before the next try. Failure: there were enough."""
    if tries >= len(PAUSES_S):
        raise Failure(f"{url}: {error} ({tries + 1} tries). What is finished is kept: run this again") from error
    print(f"\n  {error}; again in {PAUSES_S[tries]} s", flush=True)
    time.sleep(PAUSES_S[tries])


class Links(html.parser.HTMLParser):
    """Collects where the links of an index's page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: List[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.hrefs.extend(value for name, value in attrs if tag == "a" and name == "href" and value)


def wheel_url(server: Server, filename: str) -> str:
    """Returns the address of a wheel of `torch`, from the index's page in either of its two forms."""
    accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
    page = server.page(f"{server.index}/torch/", {"Accept": accept})
    if page.content_type.endswith("json"):
        hrefs = [file["url"] for file in json.loads(page.body)["files"]]
    else:
        links = Links()
        links.feed(page.body.decode())
        hrefs = links.hrefs
    for href in hrefs:
        url = urllib.parse.urldefrag(urllib.parse.urljoin(page.url, href)).url
        if urllib.parse.unquote(urllib.parse.urlsplit(url).path).endswith("/" + filename):
            return url
    raise Failure(f"{server.index} has no {filename}. Set PIP_INDEX_URL to an index that has it, or LIBTORCH to a folder with libtorch")
