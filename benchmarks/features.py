"""How quickly features are written and read, beside memory-mapped .npy files and HDF5.

    python benchmarks/features.py [--recordings N] [--rounds N] [--work DIR]

Prints MB/s, uncompressed, of ours (`store.features`: written shard by shard, published, opened anew), of memory-mapped
files, and of HDF5 with our chunks, by gzip-1 and raw. All are fsynced. Features are float16 as after a ReLU: half are
zero, and a recording's patches are alike. Training reads them whole; the other cases are how one would stream them.

Ours alone checks what it reads: a SHA-256 of each shard at its first touch ("opened anew"), a CRC-32C of each chunk
every time; a manifest lists all, and a write that was stopped goes on. zstd-1 saves space, and unpacks 8 rows, a chunk,
where one is wanted. Memory-mapped files copy and check nothing: the limit. HDF5 is asked for one row after the other;
given to h5py as a list they take up to 30 times as long. The page cache is warm for all; ours has several threads, the
others one. A first round, not counted, compares what is read with what was written. Needs four times the memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from store import Store
from store.features import FeatureArray, FeatureLayout, create, open_features, write_shard

PATCHES, FEATURES, BLOCK, ROWS = 20, 2048, 64, 64
BATCHES, BATCH, NAME = 64, 32, ("encode", "0" * 64)
ARRAYS = (
    FeatureArray("features", (PATCHES, FEATURES), "float16", ("patch", "feature")),
    FeatureArray("valid", (PATCHES,), "bool", ("patch",)),
)

h5py: Any = importlib.import_module("h5py") if importlib.util.find_spec("h5py") else None
Values = np.ndarray[Any, Any]
Arrays = dict[str, Values]
Read = Callable[[str, Any], Values]  # an array's name, and its rows or None for all
Way = tuple[Callable[[Path, Arrays], None], Callable[[Path], Read]]  # writes; opens
Reads = dict[str, list[Values | None]]  # rows, by what is measured
Found = dict[str, dict[str, list[float]]]  # by what is measured and way, a number a round


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=int, default=2048, help="rows of 80 KiB, at least 32 (default 2048)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, after one that is not counted (default 3)")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    ways: dict[str, Way] = {
        "ours": (_write_ours, lambda folder: open_features(Store.open(str(folder)).output(*NAME)).read),
        "mmap": (_write_mapped, _open_mapped),
    }
    if h5py:
        ways["h5 gzip"] = (lambda *to: _write_hdf5(*to, compression="gzip", compression_opts=1), _open_hdf5)
        ways["h5 raw"] = (_write_hdf5, _open_hdf5)
    else:
        print("h5py is not installed: HDF5 is left out; .venv/bin/uv pip install --python .venv/bin/python h5py")
    arrays, reads = _arrays(options.recordings), _reads(options.recordings)
    found: Found = {title: {name: [] for name in ways} for title in ("write all", "MB on disk", *reads)}
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        for number in range(options.rounds + 1):
            print(f"... round {number} of {options.rounds}", file=sys.stderr, flush=True)
            turn = {name: ways[name] for name in list(ways)[:: -1 if number % 2 else 1]}
            _round(turn, Path(folder), arrays, reads, found, check=number == 0)
    print(f"{'MB/s':<23}", *(f"{title:>13}" for title in (*ways, *(f"ours/{name}" for name in list(ways)[1:]))))
    for title, numbers in found.items():
        ours, *rest = (float(np.median(each[1:])) for each in numbers.values())
        print(f"{title:<23}", *(f"{each:13.0f}" for each in (ours, *rest)), *(f"{ours / each:13.3f}" for each in rest))
        print(" " * 23, *(f"{f'{min(each[1:]):.0f}-{max(each[1:]):.0f}':>13}" for each in numbers.values()))
    print(f"{options.recordings} recordings; medians of {options.rounds} rounds, least to most below; warm page cache")
    used = [f"{each} {sys.modules[each].__version__}" for each in ("zarr", "numpy", "h5py")[: 3 if h5py else 2]]
    print(f"Python {sys.version.split()[0]}, {', '.join(used)}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _arrays(rows: int) -> Arrays:
    rng = np.random.default_rng(0)
    features = np.empty((rows, PATCHES, FEATURES), np.float16)
    for row in range(rows):  # blocks of features are mostly zero, or mostly not
        recording = rng.standard_normal(FEATURES // BLOCK).repeat(BLOCK) + rng.standard_normal(FEATURES)
        features[row] = np.maximum(recording + 0.3 * rng.standard_normal((PATCHES, FEATURES), np.float32), 0)
    return {"features": features, "valid": rng.random((rows, PATCHES)) < 0.95}


def _reads(rows: int) -> Reads:
    rng, every = np.random.default_rng(1), np.arange(rows)
    return {
        "read all, opened anew": [None],
        "read all, again": [None],
        f"{BATCHES} random batches of {BATCH}": [np.sort(rng.choice(rows, BATCH, False)) for _ in range(BATCHES)],
        "1/8: every 8th row": [every[3::8]],
        "1/8: 4 rows of 32": [every[every // 4 % 8 == 3]],  # a subject's, in UTD-MHAD's order
    }


def _round(ways: dict[str, Way], folder: Path, arrays: Arrays, reads: Reads, found: Found, *, check: bool) -> None:
    for name, (write, _) in ways.items():
        shutil.rmtree(folder / name, ignore_errors=True)
        os.sync()
        began = time.perf_counter()
        write(folder / name, arrays)
        found["write all"][name].append(arrays["features"].nbytes / 1e6 / (time.perf_counter() - began))
        files = (path for path in (folder / name).rglob("*") if path.is_file())
        found["MB on disk"][name].append(sum(path.stat().st_size for path in files) / 1e6)
    readers: dict[str, Read] = {}
    for title, batches in reads.items():
        for name, (_, opened) in ways.items():
            size, began = 0, time.perf_counter()
            read = readers.get(name) or readers.setdefault(name, opened(folder / name))
            for at in batches[: 8 if check else None]:
                size += read("features", at).nbytes
                for kind, each in arrays.items() if check else ():
                    assert np.array_equal(read(kind, at), each[... if at is None else at]), f"{name}, {title}: {kind}"
            found[title][name].append(size / 1e6 / (time.perf_counter() - began))


def _write_ours(folder: Path, arrays: Arrays) -> None:
    layout = FeatureLayout(len(arrays["features"]), ARRAYS)
    with Store.open(str(folder)).draft(*NAME, recipe={}, inputs=[]) as draft:
        create(draft, layout, {})
        for shard in range(layout.shards):
            rows = layout.rows_of(shard)
            write_shard(draft, layout, shard, {name: each[rows.start : rows.stop] for name, each in arrays.items()})
        draft.publish({})


def _write_mapped(folder: Path, arrays: Arrays) -> None:
    folder.mkdir()
    for name, values in arrays.items():
        stored = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", values.dtype, values.shape)
        stored[:] = values
        stored.flush()
    _sync(folder)


def _open_mapped(folder: Path) -> Read:
    files = {path.stem: np.load(path, mmap_mode="r").view(np.ndarray) for path in folder.iterdir()}
    return lambda name, rows: files[name].copy() if rows is None else files[name][rows]


def _write_hdf5(folder: Path, arrays: Arrays, **compression: Any) -> None:
    folder.mkdir()
    with h5py.File(folder / "features.h5", "w") as file:
        for array in ARRAYS:
            file.create_dataset(array.name, data=arrays[array.name], chunks=array.chunk(ROWS), **compression)
    _sync(folder)


def _open_hdf5(folder: Path) -> Read:
    file = h5py.File(folder / "features.h5")
    stored = {array.name: file[array.name] for array in ARRAYS}  # each has its cache of chunks
    return lambda name, rows: stored[name][:] if rows is None else np.stack([stored[name][row] for row in rows])


def _sync(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        os.fsync(descriptor := os.open(path, os.O_RDONLY))
        os.close(descriptor)


if __name__ == "__main__":
    main()
