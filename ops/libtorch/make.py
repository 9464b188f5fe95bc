"""From the wheel on the index to the finished folder, safe against interruption and against company.

Everything happens in FOLDER.partial, which becomes FOLDER in the last step: what is there is whole. A second run keeps what was finished; a
second run at the same time waits for the first.
"""

import fcntl
import os
import shutil
from pathlib import Path

from index import RangesIgnored, Server, index_url, pip_setting, wheel_url
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
