"""How long looking at and cleaning a store of many outputs takes.

    python benchmarks/many.py [--outputs N] [--runs N] [--work DIR]

Makes a folder store of N small published outputs (default 10,000), half of them used by a hundred experiments, and a
50-step experiment of the built-in sample in it. Prints a table: seconds by the clock and of the processor, medians of
several runs of the program, each in a process of its own, and the limit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PIPELINE = [sys.executable, "-m", "pipeline"]
_QUIET = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}

EXPERIMENT = """\
store: store
source: {name: sample, subjects: 2, trials: 1}
modalities: [skeleton, inertial]
protocol: subject-50-50
seeds: [%s]
stages:
  encode: {}
  teacher: {stage: train, needs: [encode], model: dmft, fit: {epochs: 1}}
  evaluate: {needs: [teacher]}
"""

CASES = {  # command: limit in seconds
    "status": 0.5,
    "run": None,
    "gc --dry-run": 5.0,
    "gc --dry-run --grace 0": 5.0,
    "store ls": None,
    "store du": None,
    "store show KEY": None,
    "verify --all --size": None,
    "gc --yes --grace 0": None,
}


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        _prepare(work, options.outputs, options.run)
        print(f"{'command':<26} {'clock s':>8} {'CPU s':>8} {'limit s':>8}  says")
        for case, limit in CASES.items():
            if options.run or case not in ("status", "run"):
                print(_line(case, limit, work, 1 if "--yes" in case else options.runs), flush=True)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"medians of {options.runs} runs; Python {platform.python_version()}; {os.cpu_count()} cores{load}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outputs", type=int, default=10_000, help="published outputs (default 10,000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default 5)")
    parser.add_argument("--work", type=Path, help="keep the store here, for another time")
    parser.add_argument("--no-run", dest="run", action="store_false", help="leave out the experiment of 50 steps")
    return parser.parse_args()


def _prepare(work: Path, outputs: int, run: bool) -> None:
    (work / "stages.yaml").write_text(
        EXPERIMENT % ", ".join(map(str, range(23)))
    )  # 1 + 2 + 23 + 23 steps, and one more
    if run and not (work / "done").exists():
        _note("running an experiment of about 50 steps once")
        _run([*PIPELINE, "run"], work)
        (work / "done").touch()
    _note(f"making {outputs:,} outputs")
    make_outputs(work / "store", outputs)


def make_outputs(folder: Path, count: int) -> list[tuple[str, str]]:
    """Publish outputs through drafts: a tenth encode, the rest train made from them; the first half is used.

    Nothing is made safe on the disk: fsync would take minutes, and changes nothing of what is measured.
    """
    sys.path.insert(0, str(REPOSITORY))
    from store import Store

    sync, os.fsync = os.fsync, lambda _: None  # type: ignore[assignment]
    try:
        store = Store.open(str(folder))
        encode = [("encode", _key(f"e{i}")) for i in range(count // 10)]
        train = [("train", _key(f"t{i}")) for i in range(count - len(encode))]
        parents = {name: [encode[i % len(encode)][1]] for i, name in enumerate(train)} if encode else {}
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda name: _publish(store, name, parents.get(name, [])), [*encode, *train]))
    finally:
        os.fsync = sync
    used = train[: len(train) // 2]
    for i in range(100):
        steps = {f"s{j}": {"stage": stage, "key": key} for j, (stage, key) in enumerate(used[i::100])}
        ref = {"steps": steps, "user": "somebody", "host": "there", "path": f"/work/{i}/stages.yaml"}
        store.write_ref(f"stages-{i:012x}.json", json.dumps({**ref, "written": "2026-01-01T00:00:00+00:00"}).encode())
    return [*encode, *train]


def _publish(store: object, name: tuple[str, str], inputs: list[str]) -> None:
    stage, key = name
    if store.has(stage, key):  # type: ignore[attr-defined]
        return
    recipe = {"stage": stage, "raw": key, "params": {"window": 1.0, "patches": 10}}
    with store.draft(stage, key, recipe=recipe, inputs=inputs) as draft:  # type: ignore[attr-defined]
        draft.write("values.json", b'{"values": [1, 2, 3]}')
        draft.publish({"user": "somebody", "host": "there", "seconds": 1.0, "device": "cpu x 1", "python": "3"})


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _line(case: str, limit: float | None, work: Path, runs: int) -> str:
    arguments = case.replace("KEY", _key("e0")[:12]).split()
    clocks, processors, said = [], [], ""
    for _ in range(runs):
        before, started = _children(), time.perf_counter()
        said = _run([*PIPELINE, *arguments], work)
        clocks.append(time.perf_counter() - started)
        processors.append(_children() - before)
    lines = said.strip().splitlines()
    last = next((line for line in reversed(lines) if "freed" in line or "in " in line), lines[-1] if lines else "")
    bound = f"{limit:8.1f}" if limit else f"{'-':>8}"
    brief = last.replace(str(work / "store"), "STORE")[:70]
    return f"{case:<26} {statistics.median(clocks):8.2f} {statistics.median(processors):8.2f} {bound}  {brief}"


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **_QUIET}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _note(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
