"""Collects the licences of the crates that are linked into `care`, out of their sources, for a release folder.

usage: python3 -B ops/licences.py FOLDER

Writes FOLDER/crates/NAME-VERSION/ with the crate's licence files, FOLDER/crates.md with a line per crate, and FOLDER/rust-library.html, which
is what the Rust toolchain says about its standard library.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

LICENCE = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)([-._].*)?$", re.IGNORECASE)
NO_CODE = (".rs", ".py", ".c", ".h", ".sh")


def linked_crates() -> list:
    """Returns the crates that the program reaches by normal dependencies, except our own."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    reached, open_ids = set(), [package["id"] for package in metadata["packages"] if package["name"] == "care-engine"]
    while open_ids:
        node = nodes[open_ids.pop()]
        for dependency in node["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in reached:
                reached.add(dependency["pkg"])
                open_ids.append(dependency["pkg"])
    foreign = [packages[identity] for identity in reached if packages[identity]["source"]]
    return sorted(foreign, key=lambda package: (package["name"], package["version"]))


def main() -> None:
    folder = Path(sys.argv[1])
    lines = ["# Crates in bin/care\n", "| crate | licence | source |", "|---|---|---|"]
    for package in linked_crates():
        name = f"{package['name']}-{package['version']}"
        root = Path(package["manifest_path"]).parent
        for path in sorted(root.rglob("*")):
            if path.is_file() and LICENCE.fullmatch(path.name) and path.suffix not in NO_CODE:
                target = folder / "crates" / name / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        lines.append(f"| {name} | {package['license'] or 'see its folder'} | {package['repository'] or ''} |")
    (folder / "crates.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
    shutil.copyfile(Path(sysroot) / "share/doc/rust/COPYRIGHT-library.html", folder / "rust-library.html")


if __name__ == "__main__":
    main()
