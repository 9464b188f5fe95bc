"""Checks the files of ops/deploy against what reads them: kubernetes, compose, systemd, Prometheus.

usage: PYTHON ops/deploy/check.py

PYTHON has the packages of requirements.txt; ops/test sets it up in the cache. Every fault is told, not the first alone. That metrics exist
and that settings are legal is tested where they are known (tests/deploy.rs), and with a real Prometheus what queries and alerts come to
(tests/watch/prometheus).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import compose_spec
import kubernetes_validate
import promql_parser
import yaml

HERE = Path(__file__).resolve().parent
# The oldest and the newest Kubernetes that the manifests are for.
KUBERNETES = ["1.30", "1.35"]
# Of 100; above 20 something that a service may do should be taken away from it.
SYSTEMD_EXPOSURE_MAX = 20


def kubernetes() -> Iterator[str]:
    for path in sorted((HERE / "kubernetes").glob("*.yaml")):
        if path.name == "kustomization.yaml":
            continue
        for document in yaml.safe_load_all(path.read_text()):
            for version in KUBERNETES:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    yield f"{path.name}, {document.get('kind')}, Kubernetes {version}: {error.message} at {list(error.path)}"


def compose() -> Iterator[str]:
    # Read and written once: the checker knows neither anchors nor merges.
    plain = yaml.safe_dump(yaml.safe_load((HERE / "compose.yml").read_text()))
    try:
        services = compose_spec.PyCompose.from_yaml(plain).to_dict()["services"]
    except ValueError as error:
        yield f"compose.yml: {error}"
        return
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount["source"] if isinstance(mount, dict) else mount.split(":")[0]
            if source.startswith("./") and not (HERE / source).exists():
                yield f"compose.yml: {name} mounts {source}, which is not there"


def systemd() -> Iterator[str]:
    unit = (HERE / "care.service").read_text()
    with tempfile.TemporaryDirectory() as temporary:
        # The program need not be installed where this is checked.
        copy = Path(temporary) / "care.service"
        copy.write_text(unit.replace("/opt/care/bin/care", "/bin/true"))
        yield from _told_by(["systemd-analyze", "verify", str(copy)])
        threshold = f"--threshold={SYSTEMD_EXPOSURE_MAX}"
        yield from _told_by(["systemd-analyze", "security", "--offline=true", "--no-pager", threshold, str(copy)])


def prometheus() -> Iterator[str]:
    for name, expression in _expressions():
        try:
            promql_parser.parse(expression)
        except ValueError as error:
            yield f"{name}: {error}"


def _expressions() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load((HERE / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alerts.yml, {rule.get('alert') or rule['record']}", rule["expr"]
    for path in (HERE / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}, {panel['title']}", target["expr"].replace("$__rate_interval", "1m")


def _told_by(command: list[str]) -> Iterator[str]:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    # What systemd does not know it ignores with a warning.
    if done.returncode != 0 or done.stderr:
        verdict = done.stdout.rstrip().rpartition("\n")[2]
        yield f"{' '.join(command[:2])}: {done.stderr.strip()} {verdict}".rstrip()


def main() -> int:
    faults = 0
    for check in (kubernetes, compose, systemd, prometheus):
        found = list(check())
        faults += len(found)
        print(f"  {check.__name__}: {f'{len(found)} faults' if found else 'as it should be'}")
        for fault in found:
            print(f"    {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
