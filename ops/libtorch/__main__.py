"""Makes the part of PyTorch's C++ library (libtorch) that the build links, out of the wheel `torch` of the Python package index.

usage: python3 -B ops/libtorch FOLDER    (ops/libtorch.sh calls it; FOLDER is libtorch-VERSION in the cache)

Everything happens in FOLDER.partial, which becomes FOLDER in the last step: what is there is whole. A second run keeps what was finished; a
second run at the same time waits for the first. Nothing is imported from the wheel and nothing is installed; only the standard library is
used.
"""

import fcntl
import os
import platform
import shutil
import sys
import time
from pathlib import Path

from index import Failure, RangesIgnored, Server, index_url, pip_setting, wheel_url
from stand_ins import make_stand_ins
from wheel import RemoteWheel, Wheel, unpack, whole_wheel

# The version that the crate `tch` of Cargo.lock wants, exactly; the four values below change with it.
VERSION = "2.13.0"

# Whatever Python runs this: only the C++ parts are taken.
TORCH = Wheel(
    version=VERSION,
    filename=f"torch-{VERSION}-cp311-cp311-manylinux_2_28_x86_64.whl",
    size=526_574_961,
    sha256="60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
    record_sha256="1c4ab76fc83390dcb05619ae36b18d10634546238bc9615e54e1ce5f90c612ef",
)


def check_platform() -> None:
    """Failure: the wheel's libraries do not run here."""
    libc, version = platform.libc_ver()
    here = f"{platform.system()} {platform.machine()}, {libc or 'no glibc'} {version}".strip()
    fits = platform.system() == "Linux" and platform.machine() == "x86_64" and libc == "glibc"
    if not fits or [int(part) for part in version.split(".")[:2]] < [2, 28]:
        raise Failure(
            f"libtorch is fetched for Linux on x86-64 with glibc 2.28 or newer only, and this is {here}. "
            f"Set LIBTORCH to a folder with libtorch {VERSION} for it (include/, lib/, build-version)"
        )


def make(wheel: Wheel, folder: Path) -> None:
    """Makes the folder unless it is there. Failure: what went wrong, and what to do."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  another set-up makes it; waiting", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "build-version").exists():
            return
        partial = Path(f"{folder}.partial")
        partial.mkdir(exist_ok=True)
        fill(wheel, partial)
        make_stand_ins(partial / "lib")
        (partial / "build-version").write_text(wheel.version + "\n", encoding="utf-8")
        os.sync()
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)


def fill(wheel: Wheel, partial: Path) -> None:
    """Puts the needed members of the wheel into the folder: by ranges, or out of the whole wheel where there are none."""
    server = Server(index_url(), pip_setting("cert"))
    whole = partial / "whole.whl"
    url = wheel_url(server, wheel.filename)
    try:
        unpack(wheel, RemoteWheel(server, url, wheel.size), partial)
    except RangesIgnored:
        print("  the server sends no parts: fetching the whole wheel", flush=True)
        with whole_wheel(server, url, wheel, whole) as file:
            unpack(wheel, file, partial)
        whole.unlink()


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    start = time.monotonic()
    try:
        check_platform()
        make(TORCH, Path(sys.argv[1]))
    except (Failure, OSError) as error:
        print(f"libtorch: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlibtorch: interrupted; what is finished is kept", file=sys.stderr)
        return 130
    print(f"  done after {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
