"""What one per cent more recordings costs: encoding all, encoding the grown data, and the copying alone.

    python benchmarks/growing.py [--root DIR] [--modalities NAMES] [--weights FILE] [--recordings N] [--work DIR]

Prints a table, for each modality in seconds: encoding from nothing; after one per cent of the recordings, picked at
random, were added; after one recording was removed, when nothing is left but the copying; the second over the first,
the limit (the share that was added, and the copying), and what was copied and computed. Each step is measured as a run
does it, network's weights and publishing included, one after the other on a quiet machine for stable figures. The data
are the sample's, generated once, or those of UTD-MHAD in --root; the files are linked, not copied.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]

EXPERIMENT = """\
store: store
source: {{name: utd-mhad, root: data}}
modalities: [{modalities}]
protocol: subject-50-50
on_bad_recording: skip
stages:
  encode:
    rgb: {{backbone: squeezenet1_1, weights: {weights}, image_size: 64}}
    depth: {{backbone: squeezenet1_1, weights: {weights}, image_size: 64}}
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.work) as temporary:
        folder = Path(temporary)
        trials = _trials(_data(options))
        names = sorted(trials)[: options.recordings or None]
        new = set(random.Random(0).sample(names, max(1, len(names) // 100)))
        modalities = [name.strip() for name in options.modalities.split(",")]
        weights = str(options.weights.resolve()) if options.weights else "none"
        text = EXPERIMENT.format(modalities=", ".join(modalities), weights=weights)
        (folder / "stages.yaml").write_text(text)
        for name in names:
            if name not in new:
                _link(folder, trials[name])
        _run(folder, modalities, warm=True)
        anew = _run(folder, modalities)
        for name in new:
            _link(folder, trials[name])
        grown = _run(folder, modalities)
        for file in trials[next(name for name in names if name not in new)]:
            (folder / "data" / file.parent.name / file.name).unlink()
        copied = _run(folder, modalities)
        _print(len(names), len(new), anew, grown, copied)


def _print(count: int, new: int, anew: dict[str, Any], grown: dict[str, Any], copied: dict[str, Any]) -> None:
    print(f"{count} recordings, {new} of them added")
    print(f"{'encode':<14} {'all s':>8} {'grown s':>8} {'copying s':>9} {'ratio':>7} {'limit':>7}  rows")
    for name, (all_s, _) in anew.items():
        (grown_s, rows), (copying_s, _) = grown[name], copied[name]
        limit = new / count + copying_s / all_s
        told = f"{rows['copied']} copied, {rows['computed']} computed" if rows else "all looked at again"
        row = f"{name:<14} {all_s:8.2f} {grown_s:8.2f} {copying_s:9.2f} {grown_s / all_s:7.2%}"
        print(f"{row} {limit:7.2%}  {told}" if rows else f"{row} {'':>7}  {told}")
    print(f"torch threads {os.environ.get('OMP_NUM_THREADS', 'as many as cores')}, load {os.getloadavg()[0]:.1f}")


def _run(folder: Path, modalities: Sequence[str], *, warm: bool = False) -> dict[str, tuple[float, dict[str, int]]]:
    """Do what is not cached; return the seconds of each step, and the rows that it copied and computed."""
    from pipeline.plan.planner import make_plan
    from pipeline.run.jobs import make_job
    from pipeline.run.step.execute import execute

    plan = make_plan(folder / "stages.yaml", [])
    if warm:  # imports, and a first look at every file, count for none
        execute(make_job(plan, plan.steps["index"], "auto"), lambda *_: None)
        return {}
    found: dict[str, tuple[float, dict[str, int]]] = {}
    for id_ in ["index", *(f"encode[{name}]" for name in modalities)]:
        step = plan.steps[id_]
        print(f"... {id_}", file=sys.stderr, flush=True)
        started = time.perf_counter()
        execute(make_job(plan, step, "auto", force=id_ == "index"), lambda *_: None)
        seconds = time.perf_counter() - started
        found[id_] = seconds, plan.store.output(step.stage, step.key).manifest.provenance.get("rows", {})
        if id_ == "index":
            plan = make_plan(folder / "stages.yaml", [])
    return found


def _data(options: argparse.Namespace) -> Path:
    if options.root:
        return Path(options.root).expanduser().resolve()
    from pipeline.keys.cache import cache_folder
    from pipeline.sources.sample.source import Params, Sample

    source = Sample(Params(subjects=10, trials=5), cache_folder())
    source.ensure(lambda done, all_: print(f"\r... {done} of {all_} recordings made", end="", file=sys.stderr))
    print(file=sys.stderr)
    return source.root


def _trials(root: Path) -> dict[str, list[Path]]:
    """Return each trial's files, by the beginning of their names."""
    found: dict[str, list[Path]] = {}
    for file in sorted(root.glob("*/a*_s*_t*_*")):
        found.setdefault(file.name.rpartition("_")[0], []).append(file)
    return found


def _link(folder: Path, files: Sequence[Path]) -> None:
    for file in files:
        there = folder / "data" / file.parent.name / file.name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(file)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--modalities", default="inertial,depth", help="which to encode (default inertial,depth)")
    parser.add_argument("--weights", type=Path, help="SqueezeNet 1.1's weights; random ones where left out")
    parser.add_argument("--recordings", type=int, default=0, help="only the first so many (default all)")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
