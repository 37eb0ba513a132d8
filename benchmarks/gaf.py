"""How quickly Gramian angular fields are drawn, against pyts and against the speed of memory.

Prints, for each image size and stored type, images a second, one channel each: ours (`trainers.gaf.fused`), pyts with
its float64 images cast to the stored type, and the limit: torch's ``fill_`` of the same output, which does nothing
but write the same bytes. Then what a batch costs in training: read from a store and decoded, decoded from memory,
or rendered on the fly. Outputs are larger than the last cache; one thread; medians of interleaved rounds in one run,
in seconds of the thread's CPU, so that other programs disturb little (a store is read by threads: wall time).

The limit leaves out the series: reading, averaging and scaling one of 256 float32 samples (1 KiB, twice an image of
16 x 16 in float16) takes 60 to 90 ns, several times what the limit takes for that image. So ours/limit grows with size.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from store import Store
from store.features import FeatureArray, FeatureLayout, FeatureOutput, create, open_features, write_shard
from trainers.gaf.fused import render_into
from trainers.gaf.params import GafParams
from trainers.gaf.render import render
from trainers.gaf.stored import decode

SIZES = (16, 32, 64, 128, 224)
TYPES = {"float16": torch.float16, "uint8": torch.uint8, "float32": torch.float32}
LENGTH, CHANNELS = 256, 3
PYTS_BYTES = 32 << 20  # of its float64 images; it makes several of that size
BATCH = 64

Clock = Callable[[], float]


def main() -> None:
    """Measure and print."""
    options = _options()
    torch.set_num_threads(1)
    _note("importing pyts, which compiles for half a minute")
    from pyts.image import GramianAngularField

    titles = ("ours /s", "pyts /s", "limit /s", "ours/pyts", "ours/limit")
    print(f"{'image':<9} {'stored':<8} " + " ".join(f"{title:>10}" for title in titles))
    for size in SIZES:
        for name, dtype in TYPES.items():
            ours, peer, limit = _rendering(size, dtype, options.bytes << 20, options.rounds, GramianAngularField)
            row = f"{ours:10.0f} {peer:10.0f} {limit:10.0f} {ours / peer:10.1f} {ours / limit:10.2f}"
            print(f"{f'{size} x {size}':<9} {name:<8} {row}", flush=True)
    print()
    columns = ("from store", "from memory", "torch", "fused", "torch/store", "fused/store")
    print(f"{'image':<9} {'stored':<8} " + " ".join(f"{title:>11}" for title in columns))
    with tempfile.TemporaryDirectory() as folder:
        for size in (32, 64, 224):
            for name in ("float16", "uint8"):
                speeds = _training(Path(folder) / f"{size}-{name}", size, name, options.rounds)
                ratios = [speeds[2] / speeds[0], speeds[3] / speeds[0]]
                cells = [f"{value:11.0f}" for value in speeds] + [f"{value:11.1f}" for value in ratios]
                print(f"{f'{size} x {size}':<9} {name:<8} " + " ".join(cells), flush=True)
    print(f"images a second; series of {LENGTH} samples; medians of {options.rounds} rounds; {_versions()}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, after one that is not counted (default 5)")
    parser.add_argument("--bytes", type=int, default=96, help="MiB of each output; more than the caches (default 96)")
    return parser.parse_args()


def _rendering(size: int, dtype: torch.dtype, bytes_: int, rounds: int, peer: type) -> tuple[float, float, float]:
    """Return images a second: ours, pyts's, and of filling."""
    recordings = bytes_ // (size * size * dtype.itemsize * CHANNELS)
    series, params = _series(recordings), GafParams(size=size)
    out = torch.empty(recordings, CHANNELS, size, size, dtype=dtype)
    few = max(1, PYTS_BYTES // (8 * size * size))
    rows = series[: -(-few // CHANNELS)].double().transpose(1, 2).reshape(-1, LENGTH)[:few].numpy()

    def pyts() -> None:
        images = peer(size).transform(rows)
        if dtype == torch.uint8:
            np.rint((images + 1) * 127.5).astype(np.uint8)
        else:
            images.astype(np.float16 if dtype == torch.float16 else np.float32)

    works = [lambda: render_into(series, params, out), pyts, lambda: out.fill_(1)]
    ours, theirs, limit = _medians(works, rounds, time.thread_time)
    images = recordings * CHANNELS
    return images / ours, len(rows) / theirs, images / limit


def _training(folder: Path, size: int, name: str, rounds: int) -> tuple[float, ...]:
    """Return images a second of a batch: out of a store, out of memory, and rendered by torch and by `render_into`."""
    series, params = _series(2 * BATCH), GafParams(size=size)
    images = torch.empty(len(series), CHANNELS, size, size, dtype=TYPES[name])
    render_into(series, params, images)
    output = _store(folder, images, name)
    batch = series[:BATCH]
    out = torch.empty(BATCH, CHANNELS, size, size)
    works = [
        lambda: decode(torch.from_numpy(output.read("images", range(BATCH)))),
        lambda: decode(images[:BATCH]),
        lambda: render(batch, params),
        lambda: render_into(batch, params, out),
    ]
    return tuple(BATCH * CHANNELS / took for took in _medians(works, rounds, time.perf_counter))


def _store(folder: Path, images: torch.Tensor, name: str) -> FeatureOutput:
    layout = FeatureLayout(
        len(images), (FeatureArray("images", tuple(images.shape[1:]), name, ("plane", "row", "column")),)
    )
    with Store.open(str(folder)).draft("gaf", "0" * 64, recipe={}, inputs=[]) as draft:
        create(draft, layout, {})
        for shard in range(layout.shards):
            rows = layout.rows_of(shard)
            write_shard(draft, layout, shard, {"images": images[rows.start : rows.stop].numpy()})
        return open_features(draft.publish({}))


def _series(recordings: int) -> torch.Tensor:
    """Random walks: smooth, as a sensor's signal is, so that images compress as real ones do."""
    steps = torch.randn(recordings, LENGTH, CHANNELS, generator=torch.Generator().manual_seed(0))
    return steps.cumsum(1)


def _medians(works: list[Callable[[], object]], rounds: int, clock: Clock) -> list[float]:
    """Do all works in turn, `rounds` times; the first round, which compiles and touches memory, does not count."""
    seconds = [[_time(work, clock) for work in works] for _ in range(rounds + 1)][1:]
    return [statistics.median(times) for times in zip(*seconds, strict=True)]


def _time(work: Callable[[], object], clock: Clock) -> float:
    began = clock()
    work()
    return clock() - began


def _versions() -> str:
    import pyts

    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    libraries = f"torch {torch.__version__}, pyts {pyts.__version__}"
    return f"Python {platform.python_version()}, {libraries}; {os.cpu_count()} cores, {platform.machine()}{load}"


def _note(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
