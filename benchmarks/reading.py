"""Reading for a device: what the cores do for every image, and whether they hold each other up.

    python benchmarks/reading.py --root DIR [--recordings N] [--rounds N] [--readers N,N]

Prints images a second of reading real depth recordings (UTD-MHAD in --root) into blocks of frames as a GPU is handed
them: file read, inflated, checked, copied; 20 images a recording, each the mean of 3 frames. The device's part (levels,
means, resizing, network) is left out. With one reader, then with two: on two cores the second figure should be twice
the first. Beside it MATLAB files through scipy's `loadmat`, as one would read them, and a source whose reader is
written in Python alone (it unpacks numbers in a loop), in threads, and as the stage reads it, in processes.

*lock held* is the share of the time in which the interpreter's lock could not be had, as the package `gilknocker`
samples it: a thread of its own (not Python's) asks for the lock every millisecond and measures how long it waits.
Figures are medians of rounds, in turns.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES = 20  # of a recording
BYTES = 9 << 20  # of a block of frames, and more


@dataclass(frozen=True)
class Case:
    """A way of reading: reads recordings with some readers at a time."""

    name: str
    read: Callable[[Sequence[Any], int], None]
    recordings: Sequence[Any]


def main() -> None:
    """Measure and print."""
    options = _options()
    import gilknocker

    cases = list(_cases(options))
    rates: dict[tuple[str, int], list[float]] = {}
    held: dict[tuple[str, int], list[float]] = {}
    for number in range(options.rounds + 1):  # the first warms up
        for case in cases:
            for readers in options.readers:
                print(f"... round {number} of {options.rounds}: {case.name}, {readers}", file=sys.stderr, flush=True)
                knocker = gilknocker.KnockKnock(polling_interval_micros=1000)
                knocker.start()
                started = time.perf_counter()
                case.read(case.recordings, readers)
                seconds = time.perf_counter() - started
                knocker.stop()
                if number:
                    rates.setdefault((case.name, readers), []).append(IMAGES * len(case.recordings) / seconds)
                    held.setdefault((case.name, readers), []).append(knocker.contention_metric)
    first = options.readers[0]
    print(
        f"{'reading, images a second':<34} {'readers':>8} {'median':>9} {'least':>9} {'most':>9} {'/first':>7}"
        f" {'lock held':>10}"
    )
    for (name, readers), found in rates.items():
        median = statistics.median(found)
        gain = median / statistics.median(rates[name, first])
        share = statistics.median(held[name, readers])
        print(f"{name:<34} {readers:8} {median:9.0f} {min(found):9.0f} {max(found):9.0f} {gain:7.2f} {share:10.1%}")
    print(f"medians of {options.rounds} rounds; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    import hashlib

    from pipeline.run.readers.messages import OpenSource
    from pipeline.run.readers.source import SourceInProcesses
    from pipeline.sources import in_python, utd_mhad

    root = options.root.expanduser().resolve()
    source = utd_mhad.UtdMhad(root)
    recordings = [each for each in source.list().recordings if "depth" in each.streams][: options.recordings]
    yield Case("ours", _ours(source), recordings)
    yield Case("scipy's loadmat, in threads", partial(_in_threads, _loadmat(root)), recordings)
    some = recordings[: max(8, options.recordings // 10)]
    yield Case("a reader in Python, in threads", _ours(in_python.InPython(root)), some)
    files = {module.__name__: Path(module.__file__ or "") for module in (utd_mhad, in_python)}
    code = {name: (hashlib.sha256(path.read_bytes()).hexdigest(), "") for name, path in files.items()}
    opening = OpenSource({"name": "in-python", "root": str(root)}, code)
    yield Case("a reader in Python, ours", _ours(SourceInProcesses(in_python.InPython(root), opening)), some)


def _ours(source: Any) -> Callable[[Sequence[Any], int], None]:
    """Return the stage's own reading, up to where frames are handed to a device."""
    import torch

    from pipeline.stages.encode.align import windows
    from pipeline.stages.encode.encoder import EncodeTask
    from pipeline.stages.encode.prefetch import PrefetchError, read_ahead
    from pipeline.stages.encode.video.encoder import AHEAD
    from pipeline.stages.encode.video.params import VideoParams
    from pipeline.stages.encode.video.reading import StreamReader

    def read(recordings: Sequence[Any], readers: int) -> None:
        modality, params = source.modalities["depth"], VideoParams(weights="none")
        task = EncodeTask("depth", modality, source, recordings, {}, True, torch.device("cpu"))
        ring = _Ring()
        reader = StreamReader(params, task, windows(params, modality.rate), ring.allocate)
        tasks = [lambda each=each: reader.read(each, "depth") for each in recordings]
        frames = 0
        for _, block in read_ahead(tasks, threads=readers, items=AHEAD):
            if isinstance(block, PrefetchError):
                raise block.error
            frames += len(block.frames)
            ring.release(block.frames)
        assert frames >= 2 * IMAGES * len(recordings)

    return read


class _Ring:
    """Memory for blocks that is used again, as torch keeps pinned memory where there is a GPU."""

    def __init__(self) -> None:
        self._free: deque[Any] = deque()

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> Any:
        import torch

        assert math.prod(shape) * dtype.itemsize <= BYTES
        try:
            storage = self._free.pop()
        except IndexError:
            storage = torch.empty(BYTES, dtype=torch.uint8).untyped_storage()
        return torch.empty(0, dtype=dtype).set_(storage, 0, shape)

    def release(self, block: Any) -> None:
        self._free.append(block.untyped_storage())


def _in_threads(read: Callable[[Any], None], recordings: Sequence[Any], readers: int) -> None:
    with ThreadPoolExecutor(readers) as pool:
        list(pool.map(read, recordings))


def _loadmat(root: Path) -> Callable[[Any], None]:
    from scipy.io import loadmat

    def read(recording: Any) -> None:
        loadmat(root / recording.streams["depth"][0])["d_depth"]

    return read


def _add_python_source(copy: Path) -> None:
    """Copy the program, add a source that unpacks frames in Python, as a user would, and import from there."""
    for package in ("pipeline", "trainers", "store"):
        shutil.copytree(REPOSITORY / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "pipeline/sources/in_python.py").write_text(IN_PYTHON)
    registry = copy / "pipeline/registry.py"
    entry = '    "in-python": Entry("pipeline.sources.utd_mhad:Params", "pipeline.sources.in_python:InPython"),\n'
    text = registry.read_text()
    registry.write_text(text.replace('    "utd-mhad": Entry(', entry + '    "utd-mhad": Entry('))
    sys.path.insert(0, str(copy))


IN_PYTHON = """
import struct
from pipeline.sources.base import Video
from pipeline.sources.utd_mhad import UtdMhad
import numpy as np

class Frames(Video):
    def __init__(self, video):
        self._video, self.length = video, video.length

    def frames(self, wanted=None, side=None):
        for frame in self._video.frames(wanted, side):
            data, (height, width) = frame.tobytes(), frame.shape
            rows = [list(struct.unpack_from(f"<{width}H", data, 2 * width * row)) for row in range(height)]
            yield np.array(rows, np.uint16)

class InPython(UtdMhad):
    name = "in-python"
    releases_lock = False

    def open_video(self, recording, stream):
        return Frames(super().open_video(recording, stream))
"""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="UTD-MHAD's folder")
    parser.add_argument("--recordings", type=int, default=200, help="(default 200)")
    parser.add_argument("--rounds", type=int, default=5, help="(default 5)")
    parser.add_argument("--readers", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
    return parser.parse_args()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        _add_python_source(Path(folder))
        main()
