"""How much faster two workers of a dask scheduler encode than one.

    python benchmarks/scheduler.py [--root DIR] [--recordings N] [--rounds N]

Depth recordings (of UTD-MHAD in --root, else of the sample) through ResNet18 at 112 pixels, `pipeline run --until
encode` as a whole process, at a scheduler with one worker, then with two. Each worker is held to a core of its own:
left free, a single one decodes on a second core while its network has the first. Scheduler and workers are there
before, and have encoded something else. A machine with two cores has none left for the scheduler and the run itself.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PIPELINE = [sys.executable, "-m", "pipeline"]

EXPERIMENT = """\
store: store
source: {name: utd-mhad, root: data}
modalities: [depth]
protocol: subject-50-50
stages:
  encode:
    depth: {backbone: resnet18, weights: none, image_size: 112}
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two workers need two cores")
    with tempfile.TemporaryDirectory(dir=options.work) as temporary:
        folder = Path(temporary)
        count = _link(options, folder / "data" / "Depth")
        (folder / "stages.yaml").write_text(EXPERIMENT)
        _encode(folder, 32, [])
        seconds: dict[str, list[tuple[float, float]]] = {"one worker": [], "two workers": []}
        for _ in range(options.rounds):
            for number, name in enumerate(seconds, 1):
                print(f"... {name}", file=sys.stderr, flush=True)
                seconds[name].append(_measure(folder, number))
    title = f"{count} recordings, {-(-count // 64)} shards"
    heads = (f" {kind + ' s':>8} {'least':>8} {'most':>8} {'/one':>6}" for kind in ("step", "run"))
    print(f"{title:<28}{''.join(heads)}")
    one = [statistics.median(kind) for kind in zip(*seconds["one worker"], strict=True)]
    for name, found in seconds.items():
        row = f"{name:<28}"
        for base, kind in zip(one, zip(*found, strict=True), strict=True):
            median = statistics.median(kind)
            row += f" {median:8.1f} {min(kind):8.1f} {max(kind):8.1f} {base / median:6.2f}"
        print(row)
    print("/one: times as fast as one worker; run: with start-up, planning and the figures at the end")
    print(f"{options.rounds} rounds in turns; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _measure(folder: Path, workers: int) -> tuple[float, float]:
    processes: list[subprocess.Popen[str]] = []
    try:
        dashboard = ["--dashboard-address", ":0"]
        found = _start("scheduler", r"Scheduler at:\s+(tcp://\S+)", "--host", "127.0.0.1", "--port", "0", *dashboard)
        processes.append(found[0])
        for core in sorted(os.sched_getaffinity(0))[:workers]:
            quiet = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"]
            processes.append(_start("worker", "(Registered to)", found[1], *quiet)[0])
            for thread in os.listdir(f"/proc/{processes[-1].pid}/task"):  # those that they start follow
                os.sched_setaffinity(int(thread), {core})
        _encode(folder, 32, ["--scheduler", found[1]])
        return _encode(folder, 112, ["--scheduler", found[1]])
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _encode(folder: Path, size: int, arguments: list[str]) -> tuple[float, float]:
    """Encode from nothing; return the seconds that the step took, and the whole process."""
    shutil.rmtree(folder / "store" / "outputs" / "encode", ignore_errors=True)
    command = [*PIPELINE, "run", "--until", "encode", "--set", f"stages.encode.depth.image_size={size}", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    seconds = time.perf_counter() - started
    (manifest,) = folder.glob("store/outputs/encode/*/manifest.json")
    return json.loads(manifest.read_bytes())["provenance"]["seconds"], seconds


def _start(kind: str, pattern: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        cwd=tempfile.gettempdir(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(pattern, line):
            return process, found.group(1)
    sys.exit(f"the {kind} ended with status {process.wait()}")


def _link(options: argparse.Namespace, folder: Path) -> int:
    """Link the first depth files into a folder; return how many."""
    root = options.root
    if root is None:
        from pipeline.keys.cache import cache_folder
        from pipeline.sources.sample.source import Params, Sample

        source = Sample(Params(), cache_folder())
        source.ensure()
        root = source.root
    folder.mkdir(parents=True)
    files = sorted((root.expanduser().resolve() / "Depth").iterdir())[: options.recordings]
    for file in files:
        (folder / file.name).symlink_to(file)
    return len(files)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--recordings", type=int, default=512, help="at most (default 512)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (default 3)")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
