"""How long it takes to find out that there is nothing to do, beside DVC on the same files.

    python benchmarks/noop.py [--root DIR] [--dvc PATH] [--runs N] [--work DIR]

Prints a table: seconds of `pipeline run` and `pipeline status` where everything is cached, of `dvc repro` and
`dvc status` for one stage that depends on the same data, the limit, and the ratio. Medians of paired runs, one
program after the other. DVC is installed apart from this program:

    python -m venv DIR && .venv/bin/uv pip install --python DIR/bin/python 'dvc>=3.50'
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PIPELINE = [sys.executable, "-m", "pipeline"]
_QUIET = {"DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}

EXPERIMENT = """\
store: store
source: {source}
modalities: {modalities}
protocol: subject-50-50
stages:
  encode:
    rgb: {{backbone: squeezenet1_1, weights: none, image_size: 32, patches: 2, window: 1}}
    depth: {{backbone: squeezenet1_1, weights: none, image_size: 32, patches: 2, window: 1}}
  teacher: {{stage: train, needs: [encode], model: dmft, fit: {{epochs: 1}}}}
  student: {{stage: train, needs: [encode], model: dmft-lite, fit: {{epochs: 1}}}}
  distilled: {{stage: distil, needs: [encode, teacher], model: dmft-lite, loss: dmft-kd, fit: {{epochs: 1}}}}
  evaluate: {{needs: [teacher, student, distilled]}}
"""


@dataclass(frozen=True)
class Case:
    """A dataset: its experiment, its folders for DVC, and how long a no-op may take."""

    name: str
    experiment: str
    folders: tuple[Path, ...]
    limit: float


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        cases = [_sample()] + ([_utd_mhad(options.root)] if options.root else [])
        lines = [line for case in cases for line in _measure(case, work / case.name, options.dvc, options.runs)]
    print(f"{'no-op':<44} {'ours s':>8} {'dvc s':>8} {'limit s':>8} {'ours/dvc':>9}")
    print("\n".join(lines))
    print(f"medians of {options.runs} paired runs; {_versions(options.dvc)}")
    if options.dvc is None:
        print("without --dvc PATH there is nothing to compare with; see --help")
    if options.root is None:
        print("without --root DIR (UTD-MHAD) only the sample was measured")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--dvc", type=Path, help="the dvc program of another environment")
    parser.add_argument("--runs", type=int, default=15, help="pairs of runs (default 15)")
    parser.add_argument("--work", type=Path, help="keep the experiments here, for another time")
    return parser.parse_args()


def _sample() -> Case:
    from pipeline.keys.cache import cache_folder
    from pipeline.sources.sample.source import Params, Sample

    source = Sample(Params(), cache_folder())
    source.ensure()
    experiment = EXPERIMENT.format(source="{name: sample}", modalities="[rgb, depth, skeleton, inertial]")
    return Case("sample", experiment, _folders(source.root, "RGB", "Depth", "Skeleton", "Inertial"), 0.3)


def _utd_mhad(root: Path) -> Case:
    place = root.expanduser().resolve()
    source = f"{{name: utd-mhad, root: {str(place)!r}}}"
    experiment = EXPERIMENT.format(source=source, modalities="[depth, skeleton, inertial]")
    return Case("utd-mhad", experiment, _folders(place, "Depth", "Skeleton", "Inertial"), 0.5)


def _folders(root: Path, *names: str) -> tuple[Path, ...]:
    return tuple(root / name for name in names)


def _measure(case: Case, folder: Path, dvc: Path | None, runs: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.yaml").write_text(case.experiment)
    _note(f"{case.name}: running the pipeline once")
    _run([*PIPELINE, "run", "-f", "stages.yaml"], folder)
    if "everything is cached" not in _run([*PIPELINE, "run", "-f", "stages.yaml"], folder):
        sys.exit(f"{case.name}: a second run is not a no-op; see `pipeline status` in {folder}")
    if dvc is not None:
        _note(f"{case.name}: running dvc once")
        _prepare_dvc(case, folder, dvc)
    files = sum(len(os.listdir(place)) for place in case.folders)
    lines = []
    for ours, theirs in (("run", "repro"), ("status", "status")):
        _note(f"{case.name}: timing {ours}")
        pairs = [
            (_time([*PIPELINE, ours, "-f", "stages.yaml"], folder), _time([str(dvc), theirs], folder) if dvc else None)
            for _ in range(runs + 1)
        ][1:]  # the first warms the caches of the system
        mine = statistics.median(pair[0] for pair in pairs)
        peer = statistics.median(pair[1] for pair in pairs if pair[1] is not None) if dvc else None
        other = f"{peer:8.3f} {case.limit:8.1f} {mine / peer:9.2f}" if peer else f"{'-':>8} {case.limit:8.1f} {'-':>9}"
        title = f"{case.name} ({files} files): {ours} / dvc {theirs}"
        lines.append(f"{title:<44} {mine:8.3f} {other}")
    return lines


def _prepare_dvc(case: Case, folder: Path, dvc: Path) -> None:
    """Describe one stage that depends on the data's folders, and run it; less than our plan has to look at."""
    if not (folder / ".dvc").is_dir():
        _run([str(dvc), "init", "--no-scm", "--quiet"], folder)
    deps = "".join(f"      - {str(place)!r}\n" for place in case.folders)
    (folder / "dvc.yaml").write_text(
        f"stages:\n  all:\n    cmd: echo done> done.txt\n    deps:\n{deps}    outs:\n      - done.txt\n"
    )
    _run([str(dvc), "repro", "--quiet"], folder)


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **_QUIET}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _time(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    _run(command, folder)
    return time.perf_counter() - started


def _versions(dvc: Path | None) -> str:
    peer = ""
    if dvc is not None:
        said = subprocess.run([str(dvc), "--version"], capture_output=True, text=True, check=True).stdout.strip()
        peer = f", dvc {said}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}{peer}; {os.cpu_count()} cores, {platform.machine()}{load}"


def _note(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
