"""The folds of an experiment trained as one batched model, beside one after another.

    python benchmarks/folds.py [--root DIR | --recordings N] [--device cpu|cuda] [--epochs N] [--rounds N] [--threads N]

The DMFT teachers of all folds of leave one subject out, from skeleton and inertial features of UTD-MHAD in --root (else
of the sample), encoded first: `trainers.fit.stacked.fit_stacked`, as `pipeline run --together 8` calls it, against
`trainers.fit.loop.fit` of each. Both augment, drop, clip and update as a training step does, so that each model
ends with the same predictions up to rounding; how far they are apart is printed. Rounds are taken in turns. CPU
seconds are the sum over threads, so their ratio says what a core gets done.

With --recordings there are eight teachers of random values in UTD-MHAD's sizes instead (753 recordings are the mean of
its folds): time does not depend on them, and nothing is read. On a GPU steps are CUDA graphs; what they take operation
by operation is shown beside.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

REPOSITORY = Path(__file__).resolve().parents[1]
AIMS = " (the aim on an H100, at 753 recordings: 0.15 s, and 0.35 s for eight together)"


def main() -> None:
    """Measure and print."""
    options = _options()
    import msgspec
    import torch

    from benchmarks.training import prepared
    from trainers.fit.predict import predict

    if options.recordings:
        steps: list[Any] = [_random_step(options.recordings, seed) for seed in range(8)]
    else:
        with tempfile.TemporaryDirectory() as folder:
            steps = prepared(Path(folder), options.root, "loso", options.device)
    torch.set_num_threads(options.threads)
    params = msgspec.structs.replace(steps[0].params, epochs=options.epochs)
    ways: dict[str, Callable[[list[Any]], None]] = {
        "one after another": lambda tasks: _alone(steps, tasks, params, options.device),
        "together": lambda tasks: _together(steps, tasks, params, options.device),
    }
    if options.device == "cuda":
        ways |= {f"{name}, operation by operation": _without_graphs(way) for name, way in [*ways.items()]}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    said: dict[str, list[Any]] = {}
    for number in range(options.rounds + 1):
        for name, way in ways.items():
            tasks = [copy.deepcopy(step.task) for step in steps]
            wall, cpu = time.perf_counter(), time.process_time()
            way(tasks)
            if number:  # the first warms up
                seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
            else:
                said[name] = [predict(t.model, s.data).probabilities for t, s in zip(tasks, steps, strict=True)]
    one = seconds["one after another"]
    title = f"{len(steps)} DMFT teachers, {sum(len(step.data) for step in steps) // len(steps)} recordings"
    print(f"{title:<36} {'s an epoch':>10} {'least':>8} {'most':>8} {'/one':>6} {'CPU/one':>8}")
    for name, found in seconds.items():
        walls, cpus = ([each[kind] / options.epochs for each in found] for kind in (0, 1))
        base = [statistics.median(each[kind] for each in one) / options.epochs for kind in (0, 1)]
        ratios = f"{statistics.median(walls) / base[0]:6.2f} {statistics.median(cpus) / base[1]:8.2f}"
        print(f"{name:<36} {statistics.median(walls):10.3f} {min(walls):8.3f} {max(walls):8.3f} {ratios}")
    alone = statistics.median(wall for wall, _ in one) / options.epochs / len(steps)
    print(f"one model alone: {alone:.3f} s an epoch" + (AIMS if options.device == "cuda" else ""))
    apart = max(float((a - b).abs().max()) for a, b in zip(said["one after another"], said["together"], strict=True))
    print(f"largest difference of any probability after {options.epochs} epochs: {apart:.1e}")
    where = torch.cuda.get_device_name() if options.device == "cuda" else f"{options.threads} threads"
    told = f"torch {torch.__version__} on {where}, {os.cpu_count()} cores"
    print(f"{options.rounds} rounds of each in turns; {told}, load {os.getloadavg()[0]:.1f}")


def _without_graphs(way: Callable[[list[Any]], None]) -> Callable[[list[Any]], None]:
    """Let a way of training run its steps as they are."""

    def run(tasks: list[Any]) -> None:
        with mock.patch("trainers.fit.captured_step.recorder_for", return_value=None):
            way(tasks)

    return run


def _random_step(count: int, seed: int) -> Any:
    """Return a teacher that is ready to train on random values."""
    import torch

    from benchmarks.table6 import CLASSES, modality
    from trainers.data.recordings import RecordingData
    from trainers.data.standardise import Standardised, fit_standardiser
    from trainers.fit.tasks.classify import ClassifyTask
    from trainers.models.dmft.params import TeacherParams
    from trainers.models.dmft.teacher import DMFTTeacher
    from trainers.params import AugmentParams, FitParams, StandardiseParams

    torch.manual_seed(seed)
    inputs = [modality("skeleton", count, window=6), modality("inertial", count, window=8)]
    data = RecordingData(inputs, torch.arange(count) % CLASSES, AugmentParams())
    model = DMFTTeacher(data.shapes, CLASSES, TeacherParams())
    task = ClassifyTask(Standardised(model, fit_standardiser(inputs, StandardiseParams())))
    return SimpleNamespace(task=task, data=data, params=FitParams())


def _alone(steps: list[Any], tasks: list[Any], params: Any, device: str) -> None:
    from trainers.fit.loop import Training, fit

    for step, task in zip(steps, tasks, strict=True):
        fit(Training(task, step.data, 0), params, device=device)


def _together(steps: list[Any], tasks: list[Any], params: Any, device: str) -> None:
    from trainers.fit.loop import Training
    from trainers.fit.stacked import fit_stacked

    trainings = [Training(task, step.data, 0) for step, task in zip(steps, tasks, strict=True)]
    fit_stacked(trainings, params, device=device)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--recordings", type=int, help="random ones, for each of eight models")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where to train (default cpu)")
    parser.add_argument("--epochs", type=int, default=2, help="of each training (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="of each way (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default 1, as a training step has)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
