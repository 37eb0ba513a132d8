"""What a step of several models takes as one batched model, beside the same models one after another.

    python benchmarks/folds.py [--root DIR] [--models 8] [--rounds N] [--threads N]

Folds and seeds of one experiment could train together: `torch.func` stacks their weights and `vmap` runs the DMFT
teacher over them. This is the forward and backward pass only, without loading and updates; each model has its own
weights and its own batch of the experiment's size. Dropout is off on both sides, since `vmap` has no draws
of their own for each model. The batched model is tried as it is and with attention as plain matrix products, as `vmap`
has no rule for the fused kernel on a CPU and runs it model by model. The losses are checked to be the same.

Skeleton and inertial features of UTD-MHAD in --root (else of the sample), encoded first. Rounds are taken in turns;
CPU seconds are the sum over threads, so their ratio says what a core gets done.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    options = _options()
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from benchmarks.training import _prepared

    warnings.filterwarnings("ignore", message="There is a performance drop", category=UserWarning)
    with tempfile.TemporaryDirectory() as folder:
        task, data, params = _prepared(Path(folder), options.root)
    torch.set_num_threads(options.threads)
    models = _models(task, options.models)
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randperm(len(data), generator=generator)[: params.batch] for _ in models]
    batches = [data.batch(found, generator) for found in rows]
    alone, together = _alone(models, batches), _together(models, batches)

    def by_products() -> Any:
        with sdpa_kernel(SDPBackend.MATH):
            return together()

    steps: dict[str, Callable[[], Any]] = {
        "one after another": alone,
        "together": together,
        "together, attention by products": by_products,
    }
    expected = alone()
    for name, step in steps.items():
        torch.testing.assert_close(
            step(), expected, rtol=1e-4, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for _ in range(options.rounds):
        for name, step in steps.items():
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    base = statistics.median(cpu for _, cpu in seconds["one after another"])
    title = f"{len(models)} DMFT teachers, batches of {len(rows[0])}"
    print(f"{title:<36} {'wall s':>8} {'CPU s':>8} {'least':>8} {'most':>8} {'CPU/one':>8}")
    for name, found in seconds.items():
        walls, cpus = zip(*found, strict=True)
        cpu = statistics.median(cpus)
        print(
            f"{name:<36} {statistics.median(walls):8.3f} {cpu:8.3f} {min(cpus):8.3f} {max(cpus):8.3f} {cpu / base:8.2f}"
        )
    told = f"torch {torch.__version__} with {options.threads} threads, {os.cpu_count()} cores"
    print(f"{options.rounds} rounds of each in turns; {told}, load {os.getloadavg()[0]:.1f}")


def _models(task: Any, count: int) -> list[Any]:
    """Copy a task with other weights for each, without dropout."""
    import torch

    models = [copy.deepcopy(task).eval() for _ in range(count)]
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for model in models:
            for weight in model.parameters():
                weight += 0.02 * torch.randn(weight.shape, generator=generator)
    return models


def _alone(models: list[Any], batches: list[Any]) -> Callable[[], Any]:
    import torch

    def step() -> Any:
        losses = []
        for model, batch in zip(models, batches, strict=True):
            model.zero_grad()
            loss = model(batch)["loss"]
            loss.backward()
            losses.append(loss.detach())
        return torch.stack(losses)

    return step


def _together(models: list[Any], batches: list[Any]) -> Callable[[], Any]:
    import torch
    from torch.func import functional_call, stack_module_state, vmap

    weights, buffers = stack_module_state(models)
    outline = copy.deepcopy(models[0]).to("meta")

    def stacked(section: str) -> dict[str, Any]:
        return {name: torch.stack([batch[section][name] for batch in batches]) for name in batches[0][section]}

    inputs, valid = stacked("inputs"), stacked("valid")
    labels = torch.stack([batch["labels"] for batch in batches])

    def loss(weights: Any, buffers: Any, inputs: Any, valid: Any, labels: Any) -> Any:
        batch = {"inputs": inputs, "valid": valid, "labels": labels}
        return functional_call(outline, (weights, buffers), (batch,))["loss"]

    def step() -> Any:
        for weight in weights.values():
            weight.grad = None
        losses = vmap(loss)(weights, buffers, inputs, valid, labels)
        losses.sum().backward()
        return losses.detach()

    return step


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--models", type=int, default=8, help="folds or seeds (default 8)")
    parser.add_argument("--rounds", type=int, default=15, help="of each (default 15)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default 1, as a training step has)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
