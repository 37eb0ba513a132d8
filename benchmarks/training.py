"""Seconds an epoch of training the DMFT teacher, beside a plain PyTorch loop with a DataLoader.

    python benchmarks/training.py [--root DIR] [--device cpu|cuda] [--epochs N] [--threads N] [--workers N]

Skeleton and inertial features of UTD-MHAD in --root (else of the sample), encoded first; 50-50 subjects. Ours is
`trainers.fit.loop.fit` as a training step calls it. The plain loop has the same loss, optimiser, schedule, batch and
clipping, and a Dataset that augments one recording at a time in numpy (warp, crop, rotation, scale, jitter, windows).
Its model is first ours rebuilt with torch's own transformer layers, with the DataLoader in the process and with
--workers; then our model's code, which does without what is thrown away, and that without augmentation. Only the
lines "our model" compare the loops on the same model; the others also count what our layers save. Epochs of all are
taken in turns.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]

EXPERIMENT = """\
store: store
source: {source}
modalities: [skeleton, inertial]
protocol: {protocol}
stages:
  encode: {{}}
  teacher: {{stage: train, needs: [encode], model: dmft}}
  evaluate: {{needs: [teacher]}}
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    import torch

    with tempfile.TemporaryDirectory() as folder:
        (step,) = prepared(Path(folder), options.root, "subject-50-50", options.device)
    task, data, params = step.task, step.data, step.params
    torch.set_num_threads(options.threads)
    loops: dict[str, Iterator[float]] = {"ours": _ours(task, data, params, options.epochs + 1, options.device)}
    whole = _in_torchs_layers(copy.deepcopy(task))
    for name, model, augment, workers in (
        ("plain, torch's layers", whole, True, 0),
        (f"plain, torch's layers, {options.workers} workers", copy.deepcopy(whole), True, options.workers),
        ("plain, our model", copy.deepcopy(task), True, 0),
        ("plain, our model, no augmentation", copy.deepcopy(task), False, 0),
    ):
        loops[name] = _plain(model, data, params, augment, workers, options.device)
    for loop in loops.values():
        next(loop)  # the first epoch warms caches up
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(options.epochs):
        for name, loop in loops.items():
            seconds[name].append(next(loop))
    ours = statistics.median(seconds["ours"])
    title = f"DMFT teacher, {len(data)} recordings"
    print(f"{title:<38} {'s an epoch':>10} {'least':>8} {'most':>8} {'ours/it':>8}")
    for name, found in seconds.items():
        median = statistics.median(found)
        print(f"{name:<38} {median:10.3f} {min(found):8.3f} {max(found):8.3f} {ours / median:8.2f}")
    where = torch.cuda.get_device_name() if options.device == "cuda" else f"{options.threads} threads"
    told = f"torch {torch.__version__} on {where}, {os.cpu_count()} cores"
    print(f"{options.epochs} epochs of each in turns; {told}, load {os.getloadavg()[0]:.1f}")


def _ours(task: Any, data: Any, params: Any, epochs: int, device: str) -> Iterator[float]:
    """Yield the seconds of each epoch; one epoch a call of fit would time its start, too, so it runs in a thread."""
    import queue
    import threading

    from trainers.fit.loop import Training, fit

    go: queue.SimpleQueue[None] = queue.SimpleQueue()
    ended: queue.SimpleQueue[float] = queue.SimpleQueue()
    started = 0.0

    def progress(*_: Any) -> None:
        nonlocal started
        ended.put(time.perf_counter() - started)
        go.get()
        started = time.perf_counter()

    def run() -> None:
        nonlocal started
        go.get()
        started = time.perf_counter()
        fit(Training(task, data, 0, progress=progress), replace_epochs(params, epochs), device=device)

    threading.Thread(target=run, daemon=True).start()
    while True:
        go.put(None)
        yield ended.get()


def replace_epochs(params: Any, epochs: int) -> Any:
    """Return the parameters of a longer training."""
    import msgspec

    return msgspec.structs.replace(params, epochs=epochs + 1)


def _in_torchs_layers(task: Any) -> Any:
    """Replace the encoders by torch's, as whoever writes the model from the paper would."""
    import torch

    from trainers.models.dmft.encoder import EncoderLayer

    class Layer(torch.nn.TransformerEncoderLayer):
        def forward(self, tokens: Any, keep: Any = None, outputs: int | None = None) -> Any:  # type: ignore[override]
            return super().forward(tokens)[:, :outputs]

    for module in list(task.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, EncoderLayer):
                width, feed = layer.out.in_features, layer.expand.out_features
                new = Layer(width, layer.heads, feed, layer.dropout, batch_first=True, norm_first=layer.pre)
                module._modules[name] = new
    return task


def _plain(task: Any, data: Any, params: Any, augment: bool, workers: int, device: str) -> Iterator[float]:
    import torch
    from torch.utils.data import DataLoader

    task.to(device)
    batches = DataLoader(
        _Recordings(data, augment), params.batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    optimiser = torch.optim.AdamW(task.parameters(), lr=params.lr, weight_decay=params.weight_decay)
    steps = params.epochs * len(batches)
    warm = round(params.warmup * len(batches))
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimiser,
        [
            torch.optim.lr_scheduler.LinearLR(optimiser, 1 / warm, total_iters=warm),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps - warm),
        ],
        [warm],
    )
    task.train()
    while True:
        started = time.perf_counter()
        total, hits = 0.0, 0
        for inputs, labels in batches:
            optimiser.zero_grad()
            inputs, labels = {name: each.to(device) for name, each in inputs.items()}, labels.to(device)
            output = task({"inputs": inputs, "valid": {}, "labels": labels})
            output["loss"].backward()
            torch.nn.utils.clip_grad_norm_(task.parameters(), params.clip)
            optimiser.step()
            schedule.step()
            total += output["loss"].item()
            hits += (output["logits"].argmax(-1) == labels).sum().item()
        yield time.perf_counter() - started


class _Recordings:
    """One recording at a time, augmented in numpy."""

    def __init__(self, data: Any, augment: bool) -> None:
        import numpy as np

        self.augment, self.params = augment, data.augment
        self.labels = data.labels.numpy()
        self.inputs = data.inputs
        self.features = {name: each.features.numpy() for name, each in data.inputs.items()}
        self.series = {name: each.series.numpy() for name, each in data.inputs.items()}
        self.deviation = {name: series.reshape(-1, series.shape[2]).std(0) for name, series in self.series.items()}
        self.rng = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[dict[str, Any], int]:
        if not self.augment:
            return {name: features[row] for name, features in self.features.items()}, self.labels[row]
        speeds = self.params.time_warp * self.rng.standard_normal(6)
        cuts = self.params.crop * self.rng.random(2)
        return {
            name: self._patches(name, self._augmented(name, row, speeds, cuts)) for name in self.series
        }, self.labels[row]

    def _augmented(self, name: str, row: int, speeds: Any, cuts: Any) -> Any:
        import numpy as np

        series, params, rng = self.series[name][row], self.params, self.rng
        length = len(series)
        speed = np.exp(np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(speeds)), speeds))
        warped = np.concatenate([[0], np.cumsum(speed[1:])])
        at = (cuts[0] + warped / warped[-1] * (1 - cuts.sum())) * (length - 1)
        low = np.minimum(at.astype(int), length - 2)
        share = (at - low).astype(np.float32)[:, None]
        series = series[low] * (1 - share) + series[low + 1] * share
        skeleton = self.inputs[name].kind == "skeleton"
        axis = np.eye(3)[self.inputs[name].vertical_axis] if skeleton else rng.standard_normal(3)
        x, y, z = axis / np.linalg.norm(axis)
        angle = np.radians((params.skeleton_rotation if skeleton else params.inertial_rotation) * rng.standard_normal())
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
        turn = (turn * (1 + params.scale * rng.standard_normal())).astype(np.float32)
        series = (series.reshape(-1, 3) @ turn.T).reshape(series.shape)
        return series + params.jitter * self.deviation[name] * rng.standard_normal(series.shape, np.float32)

    def _patches(self, name: str, series: Any) -> Any:
        import numpy as np

        data = self.inputs[name]
        if data.velocities:
            series = np.concatenate([series, np.diff(series, axis=0, prepend=series[:1])], axis=1)
        starts = np.arange(data.shape[0]) * data.stride
        windows = np.lib.stride_tricks.sliding_window_view(series, data.window, axis=0)[starts]  # (P, C, window)
        if data.reduce == "flatten":
            return np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(starts), -1)
        parts = [windows.mean(2), windows.std(2)][: 2 if data.reduce == "mean-std" else 1]
        return np.concatenate(parts, axis=1)


def prepared(folder: Path, root: Path | None, protocol: str, device: str = "cpu") -> list[Any]:
    """Encode, and return the teachers of all folds, ready to train (`pipeline.stages.train.training.TrainingStep`)."""
    from pipeline.plan.planner import make_plan
    from pipeline.run.jobs import make_job
    from pipeline.run.step.execute import execute, make_context
    from pipeline.stages.train.train import _prepare

    source = f"{{name: utd-mhad, root: {str(root.expanduser().resolve())!r}}}" if root else "{name: sample}"
    (folder / "stages.yaml").write_text(EXPERIMENT.format(source=source, protocol=protocol))
    quiet: Callable[..., None] = lambda *_: None  # noqa: E731
    execute(make_job(plan := make_plan(folder / "stages.yaml", []), plan.steps["index"], "cpu"), quiet)
    plan = make_plan(folder / "stages.yaml", [])
    for name in ("encode[skeleton]", "encode[inertial]"):
        execute(make_job(plan, plan.steps[name], "cpu"), quiet)
    found = []
    for step in (step for step in plan.steps.values() if step.stage == "train"):
        job = make_job(plan, step, device)
        outputs = {need: plan.store.output(stage, key) for need, (stage, key) in job.inputs.items()}
        found.append(_prepare(make_context(job, None, outputs, None, device, quiet)))  # type: ignore[arg-type]
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where to train (default cpu)")
    parser.add_argument("--epochs", type=int, default=9, help="of each loop (default 9)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default 1, as a training step has)")
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader (default 2)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
