"""The peer of the scoring benchmark: the same weights in PyTorch, eager, on one thread.

usage: python peer.py MODEL_DIR

Reads batch sizes from standard input, a line each; answers each with microseconds of processor time per batch. Starts from rows that are
normalised and in a tensor already, which favours this side: the engine's figure includes making them.
"""

import json
import struct
import sys
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")

import torch  # noqa: E402

# Processor time that one measurement takes, and the part before it that warms up.
SPENT_S = 0.3
WARM_S = 0.05


def tensors(path: Path) -> dict:
    """Returns the tensors of a safetensors file by name; all of this format are single precision here."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        found[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).view(entry["shape"])
    return found


class Member(torch.nn.Module):
    """One network of a model."""

    def __init__(self, weights: dict, number: int, architecture: dict) -> None:
        super().__init__()
        self.activation = {"relu": torch.relu, "silu": torch.nn.functional.silu, "tanh": torch.tanh}[architecture["activation"]]
        places = [f"{number}.hidden.{place}" for place in range(len(architecture["hidden"]))]
        self.hidden = torch.nn.ModuleList(linear(weights, place) for place in places)
        self.last = linear(weights, f"{number}.last")
        self.skip = weights.get(f"{number}.skip.weight")

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        units = rows
        for layer in self.hidden:
            units = self.activation(layer(units))
        logits = self.last(units)
        if self.skip is not None:
            logits = logits + torch.nn.functional.linear(rows, self.skip)
        return logits.squeeze(1)


def linear(weights: dict, place: str) -> torch.nn.Linear:
    weight, bias = weights[f"{place}.weight"], weights[f"{place}.bias"]
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight, bias
    return layer


class Model(torch.nn.Module):
    """The mean of the members' log-odds, calibrated."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        manifest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        weights = tensors(folder / manifest["weights"]["file"])
        architecture = manifest["architecture"]
        self.members = torch.nn.ModuleList(Member(weights, number, architecture) for number in range(architecture["members"]))
        self.calibration = manifest["calibration"]
        self.manifest = manifest

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        logits = torch.stack([member(rows) for member in self.members]).mean(0)
        return torch.sigmoid(self.calibration["slope"] * logits + self.calibration["intercept"])


def golden_row(manifest: dict) -> torch.Tensor:
    """Returns the inputs of the golden pair as the network reads them."""

    def ready(value: float, how: dict) -> float:
        value = torch.tensor(value)
        made = {
            "identity": lambda: value,
            "log1p": lambda: torch.log1p(value.clamp(min=0)),
            "signed_log1p": lambda: value.sign() * torch.log1p(value.abs()),
        }[how["transform"]]()
        return float((made - how["mean"]) / how["scale"])

    return torch.tensor([[ready(value, how) for value, how in zip(manifest["golden"]["features"], manifest["inputs"])]])


def measure(model: Model, batch: int) -> float:
    """Returns processor time per batch. Units: microseconds."""
    rows = torch.randn(batch, len(model.manifest["inputs"]))
    calls, spent, begin = 0, 0.0, time.process_time()
    while spent < WARM_S + SPENT_S:
        if spent < WARM_S:
            calls, start = 0, time.process_time()
        for _ in range(20):
            model(rows)
        calls += 20
        spent = time.process_time() - begin
    return (time.process_time() - start) * 1e6 / calls


def main() -> None:
    torch.set_num_threads(1)
    with torch.inference_mode():
        model = Model(Path(sys.argv[1]))
        said, stated = float(model(golden_row(model.manifest))[0]), model.manifest["golden"]["probability"]
        if abs(said - stated) > 1e-3:
            sys.exit(f"the peer says {said} where the model says {stated}: it is another network")
        for line in sys.stdin:
            print(f"{measure(model, int(line)):.2f}", flush=True)


if __name__ == "__main__":
    main()
