"""Small libraries in place of those that the wheel's library for CPUs names and never calls without a GPU.

libtorch_cpu names libcudart.so.13 and libcupti.so.13 with versioned symbols: without them no program starts, and without the versions the
loader complains at every start. The stand-ins answer as CUDA's own libraries do on a machine that has no GPU. The wheel's libtorch.so,
which the linker asks for, names the GPU library, so another one is made that names only what is here.
"""

import re
import subprocess
from pathlib import Path
from typing import List

from index import Failure

NAMES = ("libcudart.so.13", "libcupti.so.13")


def make_stand_ins(lib: Path) -> None:
    """Writes the stand-ins and libtorch.so beside libtorch_cpu.so. Failure: a compiler is missing or refuses."""
    listing = run(["nm", "-D", "--undefined-only", "libtorch_cpu.so"], lib)
    for name in NAMES:
        symbols = re.findall(rf"^\s*U (\w+)@{re.escape(name)}$", listing, re.MULTILINE)
        compile_library(lib, name, symbols)
    link = ["-Wl,--no-as-needed", "-L.", "-l:libtorch_cpu.so", "-l:libc10.so", "-Wl,-rpath,$ORIGIN", "-Wl,--allow-shlib-undefined"]
    run(["cc", "-shared", "-fPIC", "-x", "c", "/dev/null", "-o", "libtorch.so", "-Wl,-soname,libtorch.so", *link], lib)


def compile_library(lib: Path, name: str, symbols: List[str]) -> None:
    """Compiles a library whose symbols all carry its name as their version."""
    source, versions = lib / "stand_in.c", lib / "stand_in.map"
    source.write_text("".join(function(symbol) for symbol in symbols), encoding="utf-8")
    versions.write_text(f"{name} {{ {'global: ' if symbols else ''}{''.join(s + '; ' for s in symbols)}local: *; }};\n", encoding="utf-8")
    options = ["-shared", "-fPIC", "-O1", f"-Wl,-soname,{name}", f"-Wl,--version-script={versions.name}"]
    run(["cc", *options, "-o", name, source.name], lib)
    source.unlink()
    versions.unlink()


def function(symbol: str) -> str:
    """Returns a C function that says what the real one says without a GPU."""
    if symbol == "cudaGetErrorString":
        return f'const char *{symbol}(int error) {{ (void)error; return "built without CUDA"; }}\n'
    if symbol.startswith("cuda"):
        return f"int {symbol}(void) {{ return 35; }} /* cudaErrorInsufficientDriver */\n"
    if symbol.startswith("cupti"):
        return f"int {symbol}(void) {{ return 15; }} /* CUPTI_ERROR_NOT_INITIALIZED */\n"
    raise Failure(f"no stand-in is known for the symbol {symbol} of libtorch_cpu.so")


def run(command: List[str], folder: Path) -> str:
    try:
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is missing (Debian: apt-get install gcc g++ binutils)") from error
    except subprocess.CalledProcessError as error:
        raise Failure(f"{' '.join(command)}: {error.stderr.strip()}") from error
