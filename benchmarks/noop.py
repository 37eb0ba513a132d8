"""How long it takes to find out that there is nothing to do, beside DVC on the same files.

    python benchmarks/noop.py [--root DIR] [--dvc PATH] [--runs N] [--work DIR]

Prints a table: seconds of `pipeline run` and `pipeline status` where everything is cached, of `dvc repro` and
`dvc status` for one stage that depends on the same data, the limit, and the ratio. Then the same after one parameter
of the student changed: how long each takes to find what that makes stale. There DVC has a stage for each entry
(index, encode, teacher, student, distilled, evaluate), of which only the first depends on the data; the key was changed
in its params.yaml, and ours has it from `--set`. Both are asked with `status`, since running it again would compare
training a model with an `echo`; that ours finds the student and its evaluation, and DVC the student, is checked.

Medians of paired runs, one program after the other. DVC is installed apart from this program:

    python -m venv DIR && .venv/bin/uv pip install --python DIR/bin/python 'dvc>=3.50'
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PIPELINE = [sys.executable, "-m", "pipeline"]
CHANGE = ["--set", "stages.student.model.width=32"]
_QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "",  # an environment that has it set makes both compile their modules each time
    "PYTHONPATH": str(REPOSITORY),
}
_PATIENCE_S = 3600

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
ENTRIES = """\
stages:
  index: {{cmd: echo done> index.txt, deps: {folders}, outs: [index.txt]}}
  encode: {{cmd: echo done> encode.txt, deps: [index.txt], outs: [encode.txt]}}
  teacher: {{cmd: echo done> teacher.txt, deps: [encode.txt], params: [teacher.width], outs: [teacher.txt]}}
  student: {{cmd: echo done> student.txt, deps: [encode.txt], params: [student.width], outs: [student.txt]}}
  distilled: {{cmd: echo done> distilled.txt, deps: [encode.txt, teacher.txt], outs: [distilled.txt]}}
  evaluate: {{cmd: echo done> evaluate.txt, deps: [teacher.txt, student.txt, distilled.txt], outs: [evaluate.txt]}}
"""
PARAMS = "teacher: {{width: 128}}\nstudent: {{width: {student}}}\n"


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
    print(f"medians of {options.runs} paired runs; {versions(options.dvc)}")
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
    prepare(case.name, folder, case.experiment)
    one, entries = folder / "dvc", folder / "dvc-entries"
    if dvc is not None:
        note(f"{case.name}: running dvc once")
        make_dvc(one, dvc, one_stage(case.folders))
        run([str(dvc), "repro", "--quiet"], one)
        _change(case, folder, entries, dvc)
    files = sum(len(os.listdir(place)) for place in case.folders)
    lines = []
    for title, ours, peer, place in (
        (f" ({files} files): run / dvc repro", ["run"], "repro", one),
        (f" ({files} files): status / dvc status", ["status"], "status", one),
        (", one parameter: status / dvc status", ["status", *CHANGE], "status", entries),
    ):
        note(f"timing {case.name}{title}")
        mine, theirs = paired([*PIPELINE, *ours], folder, [str(dvc), peer] if dvc else None, place, runs)
        seconds, ratio = (f"{theirs:.3f}", f"{mine / theirs:.2f}") if theirs else ("-", "-")
        lines.append(f"{case.name + title:<44} {mine:8.3f} {seconds:>8} {case.limit:8.1f} {ratio:>9}")
    return lines


def _change(case: Case, ours: Path, theirs: Path, dvc: Path) -> None:
    """Run DVC's stages, change the student's parameter, and see that both programs find what it makes stale."""
    make_dvc(theirs, dvc, ENTRIES.format(folders=json.dumps([str(place) for place in case.folders])))
    (theirs / "params.yaml").write_text(PARAMS.format(student=48))
    run([str(dvc), "repro", "--quiet"], theirs)
    (theirs / "params.yaml").write_text(PARAMS.format(student=32))
    stale = list(json.loads(run([str(dvc), "status", "--json"], theirs)))
    steps = json.loads(run([*PIPELINE, "status", "--json", *CHANGE], ours))["steps"]
    found = [step["entry"] for step in steps if step["state"] != "cached"]
    if (found, stale) != (["student", "evaluate"], ["student"]):
        sys.exit(f"{case.name}: a changed student makes {found} stale here, {stale} in dvc")


def prepare(name: str, folder: Path, experiment: str) -> None:
    """Write a stages file, run it, and see that it does not run again."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stages.yaml").write_text(experiment)
    note(f"{name}: running the pipeline once")
    run([*PIPELINE, "run"], folder)
    if "everything is cached" not in run([*PIPELINE, "run"], folder):
        sys.exit(f"{name}: a second run is not a no-op; see `pipeline status` in {folder}")


def make_dvc(folder: Path, dvc: Path, stages: str) -> None:
    """Make a folder a project of DVC with some stages; one of its own, since DVC walks over all that lies in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".dvc").is_dir():
        run([str(dvc), "init", "--no-scm", "--quiet"], folder)
        run([str(dvc), "config", "core.check_update", "false"], folder)  # which would go on beside what is timed next
    (folder / "dvc.yaml").write_text(stages)


def one_stage(folders: Sequence[Path]) -> str:
    """Describe one stage that depends on the data's folders; less than our plan has to look at."""
    deps = json.dumps([str(place) for place in folders])
    return f"stages:\n  all: {{cmd: echo done> done.txt, deps: {deps}, outs: [done.txt]}}\n"


def paired(
    ours: list[str], folder: Path, theirs: list[str] | None, place: Path, runs: int
) -> tuple[float, float | None]:
    """Time two programs in turns, each in its folder; return the median seconds of both, None without the second."""
    pairs = [(_time(ours, folder), _time(theirs, place) if theirs else 0.0) for _ in range(runs + 1)]
    del pairs[0]  # which warmed the caches of the system
    mine, peer = map(statistics.median, zip(*pairs, strict=True))
    return mine, peer if theirs else None


def run(command: list[str], folder: Path) -> str:
    """Run a program in a folder and return what it prints; exit where it fails, or does not end."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **_QUIET},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        sys.exit(f"{' '.join(command)} has not ended in {_PATIENCE_S} s")
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _time(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - started


def versions(dvc: Path | None) -> str:
    """Say with what, and on what kind of machine, this was measured."""
    peer = ""
    if dvc is not None:
        said = subprocess.run([str(dvc), "--version"], capture_output=True, text=True, check=True).stdout.strip()
        peer = f", dvc {said}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}{peer}; {os.cpu_count()} cores, {platform.machine()}{load}"


def note(text: str) -> None:
    """Say how far it is."""
    print(f"... {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
