"""How the time to find out that there is nothing to do grows with raw files and with outputs, beside DVC.

    python benchmarks/noop_growth.py [--dvc PATH] [--most N] [--most-dvc N] [--plot FILE] [--work DIR]

Prints two tables, for 10, 100, 1,000 and so on: seconds of `pipeline run` where everything is cached, of `dvc repro`
likewise, their ratio, and what each took more than for a tenth as many. Medians of paired runs, one program after the
other.

Files: recordings of an inertial unit in UTD-MHAD's layout, a small file each, and the experiment of `noop.py`; DVC has
one stage that depends on their folder. Up to --most.
Outputs: index, encode, and as many seeds of a model and its evaluation as make up the number, on ten recordings; one
seed is trained, the others are published as copies of it. DVC has a stage with one small output for each of ours, which
need each other alike; they are written and committed, as `dvc repro` of a few hundred takes minutes. Up to --most and
10,000, DVC up to --most-dvc.

DVC is installed apart from this program (see `noop.py`). --plot draws both, as the file's ending says (.svg, .png),
and needs matplotlib: `.venv/bin/uv pip install --python .venv/bin/python matplotlib`.
"""

from __future__ import annotations

import argparse
import io
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.noop import EXPERIMENT, PIPELINE, make_dvc, note, one_stage, paired, prepare, run, versions

MOST_OUTPUTS = 10_000
RECORDINGS = 10  # of the experiment with many outputs
SOURCE = "{name: utd-mhad, root: ../raw}"
MANY = """\
store: store
source: {source}
modalities: [inertial]
protocol: subject-50-50
seeds: {seeds}
stages:
  encode: {{}}
  student: {{stage: train, needs: [encode], model: {{name: dmft-lite, width: 8, layers: 1}}, fit: {{epochs: 1}}}}
  evaluate: {{needs: [student]}}
"""
MANY_DVC = """\
stages:
  index: {{cmd: echo done> index.txt, deps: {raw}, outs: [index.txt]}}
  encode: {{cmd: echo done> encode.txt, deps: [index.txt], outs: [encode.txt]}}
  student:
    foreach: {seeds}
    do:
      cmd: echo done> student-${{item}}.txt
      deps: [encode.txt]
      outs: ["student-${{item}}.txt"]
  evaluate:
    foreach: {seeds}
    do:
      cmd: echo done> evaluate-${{item}}.txt
      deps: [encode.txt, "student-${{item}}.txt"]
      outs: ["evaluate-${{item}}.txt"]
"""


@dataclass(frozen=True)
class Point:
    """Seconds of a no-op at one number of files or outputs; None where DVC was not asked."""

    count: int
    ours: float
    dvc: float | None


def main() -> None:
    """Measure, print and draw."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.work) as temporary:
        work = Path(temporary).resolve()
        os.environ |= {"PIPELINE_CACHE": str(work / "cache"), "DVC_SITE_CACHE_DIR": str(work / "dvc")}
        series = {
            "raw files": [_files(work / f"files-{n}", n, options.dvc) for n in _counts(options.most)],
            "outputs": [
                _outputs(work / f"outputs-{n}", n, options.dvc if n <= options.most_dvc else None)
                for n in _counts(min(options.most, MOST_OUTPUTS))
            ],
        }
    for name, points in series.items():
        _print(name, points)
    print("limit: ours/dvc 0.25 at 1,000 files, and less growth than dvc's")
    print(f"medians of 5 paired runs, of 3 above 10,000; {versions(options.dvc)}")
    if options.dvc is None:
        print("without --dvc PATH there is nothing to compare with; see --help")
    if options.plot:
        _plot(options.plot, series)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dvc", type=Path, help="the dvc program of another environment")
    parser.add_argument("--most", type=int, default=100_000, help="raw files (default 100,000)")
    parser.add_argument("--most-dvc", type=int, default=1000, help="stages that DVC is given (default 1,000)")
    parser.add_argument("--plot", type=Path, help="draw into this file")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    return parser.parse_args()


def _counts(most: int) -> Iterator[int]:
    count = 10
    while count <= most:
        yield count
        count *= 10


def _files(work: Path, count: int, dvc: Path | None) -> Point:
    """Time the experiment of `noop.py` on so many files."""
    note(f"writing {count:,} files")
    _write_raw(work / "raw", count)
    prepare(f"{count:,} files", work / "ours", EXPERIMENT.format(source=SOURCE, modalities="[inertial]"))
    if dvc:
        note(f"{count:,} files: running dvc once")
        make_dvc(work / "theirs", dvc, one_stage([work / "raw" / "Inertial"]))
        run([str(dvc), "repro", "--quiet"], work / "theirs")
    return _point(f"{count:,} files", work, count, dvc)


def _outputs(work: Path, count: int, dvc: Path | None) -> Point:
    """Time an experiment of so many outputs."""
    _write_raw(work / "raw", RECORDINGS)
    prepare(f"{count:,} outputs", work / "ours", MANY.format(source=SOURCE, seeds=[0]))
    seeds = list(range((count - 2) // 2))
    (work / "ours" / "stages.yaml").write_text(MANY.format(source=SOURCE, seeds=seeds))
    note(f"publishing {count:,} outputs")
    _publish_copies(work / "ours" / "stages.yaml")
    if f"everything is cached ({count} steps)" not in run([*PIPELINE, "run"], work / "ours"):
        sys.exit(f"{count:,} outputs: not all of them are used; see `pipeline status` in {work / 'ours'}")
    if dvc:
        note(f"{count:,} outputs: committing them to dvc")
        make_dvc(work / "theirs", dvc, MANY_DVC.format(raw=[str(work / "raw" / "Inertial")], seeds=seeds))
        for name in ["index", "encode", *(f"{entry}-{n}" for entry in ("student", "evaluate") for n in seeds)]:
            (work / "theirs" / f"{name}.txt").write_text("done\n")
        run([str(dvc), "commit", "--force", "--quiet"], work / "theirs")
        if "Running stage" in run([str(dvc), "repro"], work / "theirs"):
            sys.exit(f"{count:,} outputs: dvc runs what was committed")
    return _point(f"{count:,} outputs", work, count, dvc)


def _point(name: str, work: Path, count: int, dvc: Path | None) -> Point:
    note(f"{name}: timing")
    theirs = [str(dvc), "repro"] if dvc else None
    runs = 5 if count <= 10_000 else 3
    return Point(count, *paired([*PIPELINE, "run"], work / "ours", theirs, work / "theirs", runs))


def _write_raw(root: Path, count: int) -> None:
    """Write recordings of one second, which differ in their last value."""
    import numpy as np
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, {"d_iner": np.random.default_rng(0).normal(size=(50, 6))})
    (root / "Inertial").mkdir(parents=True)
    for n in range(count):
        trial, place = divmod(n, 27 * 8)
        action, subject = divmod(place, 8)
        name = f"a{action + 1}_s{subject + 1}_t{trial + 1}_inertial.mat"
        (root / "Inertial" / name).write_bytes(file.getvalue()[:-8] + struct.pack("<d", n / count))


def _publish_copies(stages: Path) -> None:
    """Publish what a plan lacks as copies of the output of the same stage that is there.

    Nothing is made safe on the disk: fsync would take minutes, and changes nothing of what is measured.
    """
    from pipeline.plan.planner import make_plan

    plan = make_plan(stages, [])
    there = {s.stage: plan.store.output(s.stage, s.key) for s in plan.steps.values() if plan.states[s.id] == "cached"}
    with mock.patch("os.fsync"):
        for step in plan.steps.values():
            if plan.states[step.id] != "cached":
                inputs = [plan.steps[need].key for need in step.needs]
                with plan.store.draft(step.stage, step.key, recipe=step.recipe, inputs=inputs) as draft:
                    for path in there[step.stage].entries:
                        draft.write(path, there[step.stage].read_bytes(path))
                    draft.publish(there[step.stage].manifest.provenance)


def _print(name: str, points: list[Point]) -> None:
    print(f"{name:<10} {'ours s':>9} {'dvc s':>9} {'ours/dvc':>9}   {'ours +s':>9} {'dvc +s':>9}")
    for before, point in zip([None, *points], points, strict=False):
        ratio = f"{point.ours / point.dvc:9.2f}" if point.dvc else f"{'-':>9}"
        more = _more(before and before.ours, point.ours), _more(before and before.dvc, point.dvc)
        theirs = f"{point.dvc:9.3f}" if point.dvc else f"{'-':>9}"
        print(f"{point.count:<10,} {point.ours:9.3f} {theirs} {ratio}   {more[0]} {more[1]}")
    both = [point for point in points if point.dvc]
    if len(both) > 1:
        ours, theirs = _more(both[0].ours, both[-1].ours).strip(), _more(both[0].dvc, both[-1].dvc).strip()
        print(f"from {both[0].count:,} to {both[-1].count:,}: ours {ours} s, dvc {theirs} s")
    print()


def _more(before: float | None, now: float | None) -> str:
    return f"{now - before:+9.3f}" if before and now else f"{'':>9}"


def _plot(path: Path, series: dict[str, list[Point]]) -> None:
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is missing; .venv/bin/uv pip install --python .venv/bin/python matplotlib")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import LogLocator, NullLocator

    pyplot.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "noop", "font.size": 11}
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    for panel, (name, points) in zip(panels, series.items(), strict=True):
        panel.set(xscale="log", yscale="log", xlabel=name)
        for program, colour, seconds in (
            ("dvc repro", "tab:orange", {p.count: p.dvc for p in points if p.dvc}),
            ("pipeline run", "tab:blue", {p.count: p.ours for p in points}),
        ):
            if seconds:
                panel.plot(seconds.keys(), seconds.values(), "o-", color=colour)
                first = next(iter(seconds.items()))
                panel.annotate(program, first, (2, -17), textcoords="offset points", color=colour)
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_minor_locator(NullLocator())
        panel.grid(alpha=0.3)
        panel.margins(y=0.12)  # room for the lowest line's name, which stands under it
    panels[0].set_ylabel("seconds with nothing to do")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    print(f"... plot: {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
