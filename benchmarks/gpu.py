"""Everything that only a GPU can show: the tests marked gpu and the GPU's benchmarks, within nine minutes.

    python benchmarks/gpu.py [--root DIR] [--minutes N] [--only PART ...]

For a machine with a card and nothing else: no network, no virtual environment. What it needs lies on PYTHONPATH or is
installed: torch's CUDA build and torchvision; the packages of pyproject.toml; pytest, hypothesis and pytest-timeout;
av for the clips. Collect them elsewhere with

    pip install --target packages --no-deps -r requirements.lock

and bring the folder along (torch and torchvision may stay as the machine has them). --root is UTD-MHAD with Depth,
Skeleton and Inertial; without it, what is measured on real recordings is left out. Nothing is downloaded, and nothing
is written but in a temporary folder.

Prints what each part printed, then one table: the device, versions, and each part's figure beside its aim.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PROBE = "import torch; print(torch.__version__, torch.cuda.is_available() and torch.cuda.get_device_name())"


@dataclass(frozen=True)
class Part:
    """A command, what is read off its output, and what that is to be."""

    name: str
    command: list[str]
    seconds: int  # at most
    figure: Callable[[str], str]
    aim: str


def main() -> int:
    """Run all parts; return how many failed."""
    options = _options()
    device = _device()
    until, rows, failed = time.monotonic() + 60 * options.minutes, [], 0
    with tempfile.TemporaryDirectory() as folder:
        for part in _parts(options, Path(folder)):
            if options.only and part.name not in options.only:
                continue
            left = until - time.monotonic()
            if left < 5:
                rows.append((part.name, "not run: no time was left", part.aim, ""))
                continue
            print(f"== {part.name}: {' '.join(part.command)}", flush=True)
            began = time.monotonic()
            code, output = _run(part, min(part.seconds, left), Path(folder))
            failed += code != 0
            figure = part.figure(output) if code == 0 else f"failed ({code}): {_last_line(output)}"
            rows.append((part.name, figure, part.aim, f"{time.monotonic() - began:.0f} s"))
    print(f"\n{device}; Python {platform.python_version()}, {os.cpu_count()} cores")
    width = max(len(row[1]) for row in rows)
    for name, figure, aim, seconds in rows:
        print(f"{name:<12} {figure:<{width}}  {f'aim: {aim}' if aim else '':<44} {seconds}")
    return failed


def _device() -> str:
    """Describe the GPU; ends with a sentence where there is none, or no torch to ask."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"make gpu: {sys.executable} cannot import torch ({_last_line(done.stderr)}); see benchmarks/gpu.py")
    version, _, name = done.stdout.strip().partition(" ")
    if name == "False":
        sys.exit(f"make gpu: torch {version} sees no CUDA device here; run it on a machine with a GPU")
    return f"{name}, torch {version}"


def _parts(options: argparse.Namespace, folder: Path) -> Iterator[Part]:
    python, root = sys.executable, options.root and str(options.root.expanduser().resolve())
    script = str(REPOSITORY / "benchmarks")
    tests = [python, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "--no-header", "tests"]
    yield Part("tests", tests, 180, _last_line, "all pass")
    encode = [python, f"{script}/encode.py", "--device", "cuda", "--work", str(folder)]
    folds = [python, f"{script}/folds.py", "--recordings", "753", "--device", "cuda", "--epochs", "4", "--rounds", "1"]
    yield Part("training", folds, 150, _folds_figure, "an epoch in 0.15 s, eight stacked in 0.35 s")
    if root:
        depth = [*encode, "--root", root, "--recordings", "200", "--repeat", "5", "--clips", "0"]
        yield Part("depth", depth, 100, _encode_figure, "ours/bare at least 0.85")
        loso = [python, "-m", "pipeline", "run", "-f", str(REPOSITORY / "experiments/utd-mhad-dmft-loso.yaml")]
        settings = [f"source.root={root}", f"store={folder}/store"]
        loso += ["--device", "cuda", *(part for setting in settings for part in ("--set", setting))]
        yield Part("LOSO table", loso, 240, _last_line, "under 180 s, accuracy as on a CPU")
    yield Part("1080p", [*encode, "--clips", "3"], 120, _encode_figure, "ours/reading at least 0.85")
    yield Part("table 6", [python, f"{script}/table6.py", "--device", "cuda"], 60, _last_line, "below the paper's")


def _run(part: Part, seconds: float, folder: Path) -> tuple[int, str]:
    """Run a part, print what it prints, and return its exit code and output; 124 where it took too long."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "PIPELINE_CACHE": str(folder / "cache")}
    with subprocess.Popen(
        part.command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            output, code = process.communicate()[0], 124
    print(output, flush=True)
    return code, output


def _encode_figure(output: str) -> str:
    """Return the ratios that benchmarks/encode.py prints under its heading."""
    heading = next((line for line in output.splitlines() if line.startswith("images a second")), "")
    for line in output.splitlines():
        if line.startswith(("depth,", "1080p,")):
            names, values = re.split(r"\s+", heading)[3:], re.split(r"\s{2,}", line)[1:]
            return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=False))
    return _last_line(output)


def _folds_figure(output: str) -> str:
    """Return the seconds that benchmarks/folds.py prints of one model, and of eight together."""
    alone = re.search(r"one model alone: ([\d.]+)", output)
    stacked = re.search(r"^together +([\d.]+)", output, re.MULTILINE)
    return f"{alone[1]} s, eight {stacked[1]} s" if alone and stacked else _last_line(output)


def _last_line(output: str) -> str:
    return next((line for line in reversed(output.strip().splitlines()) if line.strip()), "nothing printed")[:100]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--minutes", type=float, default=9, help="for all parts together (default 9)")
    parser.add_argument("--only", nargs="+", help="run these parts alone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
