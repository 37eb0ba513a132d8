"""Seconds an epoch and megabytes of DMFT at the paper's widths, beside the paper's Table 6 (an RTX 3090).

    python benchmarks/table6.py [--device cpu|cuda] [--precision fp32|bf16] [--recordings N] [--epochs N]

Teacher and student as `trainers.fit.loop.fit` trains them, augmented, in batches of 32, on features of the sizes that
the paper's megabytes imply: 2,048 of an image, 1,800 of a skeleton's window (60 channels, 30 frames), 270 of an
inertial one (6 channels, 45 samples); every stream as wide as what it reads, 2 layers, 2,048 in between. The paper
states neither the number of windows (here 20) nor of recordings an epoch (here 753, the mean of UTD-MHAD's folds), nor
its batch, so this compares no more than what one waits. The values are random: time does not depend on them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
PATCHES, CLASSES = 20, 27
SIZE: dict[str, Any] = {"width": "native", "layers": 2, "heads": 2, "feed_forward": 2048, "positions": "spatial"}
PAPER = {  # seconds an epoch and MB of teacher and student
    "rgb+skeleton": ((6.44, 1087), (2.32, 364)),
    "rgb+skeleton+inertial": ((11.74, 1188), (3.68, 375)),
    "rgb+skeleton+depth+inertial": ((16.08, 1886), (5.88, 577)),
}


def main() -> None:
    """Measure and print."""
    options = _options()
    import torch

    torch.set_num_threads(options.threads)
    print(f"{'modalities, model':<38} {'s an epoch':>10} {'paper s':>8} {'/paper':>7} {'MB':>6} {'paper MB':>9}")
    for names, paper in PAPER.items():
        for model, (seconds, megabytes) in zip(("dmft", "dmft-lite"), paper, strict=True):
            print(f"... {names}, {model}", file=sys.stderr, flush=True)
            found, size = _epochs(names.split("+"), model, options)
            median = statistics.median(found)
            title = f"{names}, {'teacher' if model == 'dmft' else 'student'}"
            scaled = f"{median:10.2f} {seconds:8.2f} {median / seconds:7.2f}"
            print(f"{title:<38} {scaled} {size:6.0f} {megabytes:9}", flush=True)
    where = torch.cuda.get_device_name() if options.device == "cuda" else f"{options.threads} threads"
    told = f"torch {torch.__version__} on {where}, {options.precision}"
    print(f"{options.recordings} recordings; medians of {options.epochs} epochs; {told}, load {os.getloadavg()[0]:.1f}")


def _epochs(names: list[str], model: str, options: argparse.Namespace) -> tuple[list[float], float]:
    """Return the seconds of each epoch but the first, and the model's MB."""
    import torch

    from pipeline.registry import import_object
    from trainers.data.recordings import RecordingData
    from trainers.data.standardise import Standardised, fit_standardiser
    from trainers.fit.loop import Training, fit
    from trainers.fit.tasks.classify import ClassifyTask
    from trainers.models.registry import MODELS
    from trainers.params import AugmentParams, FitParams, StandardiseParams

    inputs = [modality(name, options.recordings) for name in names]
    labels = torch.arange(options.recordings) % CLASSES
    params = import_object(MODELS[model].params)(**SIZE)
    built = import_object(MODELS[model].build)({each.name: each.shape for each in inputs}, CLASSES, params)
    task = ClassifyTask(Standardised(built, fit_standardiser(inputs, StandardiseParams())))
    ended: list[float] = []
    fit(
        Training(
            task,
            RecordingData(inputs, labels, AugmentParams()),
            0,
            progress=lambda *_: ended.append(time.perf_counter()),
        ),
        FitParams(epochs=options.epochs + 1, precision=options.precision),
        device=options.device,
    )
    size = sum(weight.numel() * weight.element_size() for weight in built.parameters())
    return [after - before for before, after in pairwise(ended)], size / 1e6


def modality(name: str, count: int, window: int = 0) -> Any:
    """Return random values of a modality; with a window of so many samples each is pooled to its mean."""
    import torch

    from trainers.data.modality import ModalityData

    valid = torch.ones(count, PATCHES, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    if name in ("rgb", "depth"):
        return ModalityData(name, "video", torch.randn(count, PATCHES, 2048, generator=generator), valid)
    channels, samples, stride = {"skeleton": (60, 30, 3), "inertial": (6, 45, 8)}[name]
    reduce: Any = "mean" if window else "flatten"
    window = window or samples
    series = torch.randn(count, window + (PATCHES - 1) * stride, channels, generator=generator)
    kind: Any = "skeleton" if name == "skeleton" else "series"
    empty = torch.zeros(count, PATCHES, channels * (window if reduce == "flatten" else 1))
    data = ModalityData(
        name, kind, empty, valid, series, window, stride, reduce, vertical_axis=1 if kind == "skeleton" else None
    )
    empty.copy_(data.derive(series))
    return data


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where to train (default cpu)")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of the forward pass")
    parser.add_argument("--recordings", type=int, default=753, help="an epoch (default 753)")
    parser.add_argument("--epochs", type=int, default=3, help="that count (default 3)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
