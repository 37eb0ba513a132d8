"""What planning costs for up to a million recordings: seconds and memory of whole processes.

    python benchmarks/scale.py [--most N] [--work DIR]

Prints, for 1,000 recordings and ten times more until --most: `pipeline status` of 21 steps over a synthetic source,
with nothing in the store; and over a dataset whose raw files are elsewhere, from a lock that holds a digest for every
file and an index in the store, as a colleague has them: its size, and `status` again. Limits at a million: 10 s, 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

EXPERIMENT = """\
store: store
source: {source}
modalities: [skeleton, inertial]
protocol: subject-50-50
seeds: [0, 1, 2]
stages:
  encode: {{}}
  teacher: {{stage: train, needs: [encode], model: dmft}}
  student: {{stage: train, needs: [encode], model: dmft-lite}}
  distilled: {{stage: distil, needs: [encode, teacher], model: dmft-lite, loss: dmft-kd}}
  evaluate: {{needs: [teacher, student, distilled]}}
"""

MEASURED = """
import sys, time
started = time.perf_counter()
from pipeline.cli.main import main
try:
    main()
except SystemExit as end:
    code = end.code
with open("/proc/self/status") as file:  # not ru_maxrss, which begins with that of whoever started this
    memory = next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
print(time.perf_counter() - started, memory, code or 0, file=sys.stderr)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000, help="recordings (default a million)")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    print(
        f"{'recordings':>10} {'status s':>9} {'MiB':>6}   {'lock MB':>8} {'index MB':>8} {'from lock s':>11} {'MiB':>6}"
    )
    count = 1000
    while count <= options.most:
        with tempfile.TemporaryDirectory(dir=options.work) as folder:
            names = _synthetic(Path(folder) / "names", count)
            sizes, known = _elsewhere(Path(folder) / "elsewhere", count)
        row = f"{count:>10,} {names[0]:9.2f} {names[1]:6.0f}   {sizes[0] / 1e6:8.1f} {sizes[1] / 1e6:8.1f}"
        print(f"{row} {known[0]:11.2f} {known[1]:6.0f}", flush=True)
        count *= 10
    print(f"whole processes; Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _synthetic(folder: Path, count: int) -> tuple[float, float]:
    folder.mkdir()
    source = f"{{name: synthetic, actions: 10, subjects: 10, trials: {count // 100}}}"
    (folder / "stages.yaml").write_text(EXPERIMENT.format(source=source))
    return _status(folder)


def _elsewhere(folder: Path, count: int) -> tuple[tuple[int, int], tuple[float, float]]:
    """Write a lock and an index as a run on the raw data leaves them, without the data."""
    folder.mkdir()
    (folder / "stages.yaml").write_text(EXPERIMENT.format(source="{name: utd-mhad, root: away}"))
    from pipeline.keys.raw_index import FileDigest, stream_digest
    from pipeline.lock import Lock, LockedStream, write_lock
    from store import Store
    from store.canonical import digest

    rows = [(f"a{n % 27 + 1:02d}_s{n // 27 % 8 + 1}_t{n // 216 + 1}", n) for n in range(count)]
    rows.sort()
    raw = {}
    for stream in ("inertial", "skeleton"):
        files = {f"{stream.title()}/{id_}_{stream}.mat": FileDigest(50_000, digest([stream, n])) for id_, n in rows}
        placed = zip((id_ for id_, _ in rows), files.items(), strict=True)
        whole = stream_digest((id_, path, found) for id_, (path, found) in placed)
        raw[stream] = LockedStream.of(whole, {path: tuple(found) for path, found in files.items()})
    with Store.open(str(folder / "store")).draft("index", "1" * 64, recipe={}, inputs=[]) as draft:
        draft.write("recordings.jsonl", b"".join(_line(row, id_) for row, (id_, _) in enumerate(rows)))
        draft.write("broken.json", b"[]")
        draft.publish({})
    lock = Lock(source="utd-mhad", index="1" * 64, raw=raw)
    write_lock(folder / "stages.lock", lock, Lock())
    (index,) = (folder / "store").rglob("recordings.jsonl")
    sizes = (folder / "stages.lock").stat().st_size, index.stat().st_size
    return sizes, _status(folder)


def _line(row: int, id_: str) -> bytes:
    from pipeline.sources.utd_mhad import UtdMhad

    action, subject, trial = id_[1:].split("_")
    names = {"subject": subject[1:], "action": UtdMhad.classes[int(action) - 1], "session": trial[1:]}
    whole = {"row": row, "id": id_, **names, "label": 0, "scene": None, "view": None, "start": None, "end": None}
    return json.dumps({**whole, "lengths": {"inertial": 170, "skeleton": 60}}).encode() + b"\n"


def _status(folder: Path) -> tuple[float, float]:
    """Return the least of three runs' seconds, and its MiB."""
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "status"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PIPELINE_CACHE": str(folder / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds, memory, code = done.stderr.split()[-3:]
        if code != "0":
            sys.exit(f"status failed:\n{done.stdout}{done.stderr}")
        runs.append((float(seconds), float(memory)))
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return min(runs)


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
