"""Makes the part of PyTorch's C++ library (libtorch) that the build links, out of the wheel `torch` of the Python package index.

usage: python3 -B ops/libtorch FOLDER

ops/libtorch.sh calls it; FOLDER is libtorch-VERSION in the cache. Nothing is imported from the wheel and nothing is installed; only the
standard library is used. Read on in make.py, wheel.py, index.py, stand_ins.py; test.py tests them.
"""

import platform
import sys
import time
from pathlib import Path

from index import Failure
from make import TORCH, VERSION, make


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
