"""Torch's build, the driver and the GPUs that torch sees; a process of its own imports torch, which may crash."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata, util
from pathlib import Path
from typing import Any

from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.formatting import counted

TOPIC = "GPU"
WAIT = 4.0  # seconds for torch's import, where it is tried
_DRIVERS = ("proc/driver/nvidia/version", "dev/nvidiactl", "dev/dxg")  # the last one is WSL's

_ASK = """
import json, torch
count = torch.cuda.device_count() if torch.cuda.is_available() else 0
gpus = [torch.cuda.get_device_properties(at) for at in range(count)]
try:
    torch.cuda.init()
    why = ""
except Exception as error:
    why = str(error).splitlines()[0]
print(json.dumps({"gpus": [[gpu.name, gpu.total_memory] for gpu in gpus], "why": why}))
"""

CUDA_BUILD = "install the build for CUDA: see https://pytorch.org/get-started/locally"


def find(root: Path = Path("/")) -> Iterator[Finding]:
    """Look for a driver, and where there is one ask torch."""
    build = torch_build()
    if build is None:
        yield problem(TOPIC, "torch is not installed", "install it: python -m pip install torch")
        return
    version, cuda = build
    if not any((root / each).exists() for each in _DRIVERS):
        yield ok(TOPIC, f"no NVIDIA driver here: networks run on the CPU (torch {version})")
        if cuda:
            yield note(TOPIC, f"torch is built for CUDA {cuda}", "the CPU build is much smaller: --torch-backend=cpu")
    elif cuda is None:
        yield note(TOPIC, f"there is an NVIDIA driver, but torch {version} is the CPU build", CUDA_BUILD)
    else:
        yield from seen(version, cuda, ask())


def torch_build() -> tuple[str, str | None] | None:
    """Return torch's version and for which CUDA it is built, read from its files; None where it is not installed."""
    spec = util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    found: dict[str, Any] = {}
    try:
        text = (Path(spec.submodule_search_locations[0]) / "version.py").read_text(encoding="utf-8")
        for line in ast.parse(text).body:
            targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
            value = getattr(line, "value", None)
            if isinstance(targets[0], ast.Name) and isinstance(value, ast.Constant):
                found[targets[0].id] = value.value
    except (OSError, SyntaxError):
        return metadata.version("torch"), None
    return str(found.get("__version__") or metadata.version("torch")), found.get("cuda")


def ask(python: str = sys.executable, wait: float = WAIT) -> Mapping[str, Any]:
    """Ask torch in another process: `gpus` (name and bytes of each), `why` there are none, or what `failed`."""
    try:
        done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, timeout=wait, check=False)
    except subprocess.TimeoutExpired:
        return {"slow": f"torch was still being imported after {wait:g} s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return {"failed": lines[-1]}
    answer: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def seen(version: str, cuda: str, answer: Mapping[str, Any]) -> Iterator[Finding]:
    """Say what torch answered."""
    if "slow" in answer:
        yield note(TOPIC, f"{answer['slow']}: GPUs were not looked at", "the second time it is in memory: look again")
    elif "failed" in answer:
        repair = "install it again: python -m pip install --force-reinstall torch torchvision"
        yield problem(TOPIC, f"torch {version} cannot be imported: {answer['failed']}", repair)
    elif not answer["gpus"]:
        repair = "compare the driver's CUDA version (nvidia-smi) with torch's, and see CUDA_VISIBLE_DEVICES"
        why = answer["why"] or "it sees no GPU"
        yield problem(TOPIC, f"there is a driver, but torch {version} (CUDA {cuda}) says: {why}", repair)
    else:
        yield ok(TOPIC, f"torch {version} (CUDA {cuda}) sees {counted(len(answer['gpus']), 'GPU')}")
        for name, size in answer["gpus"]:
            yield ok(TOPIC, f"{name}, {size / 2**30:.0f} GiB")
