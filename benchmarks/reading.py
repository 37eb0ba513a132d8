"""Reading for a device: what the cores do for every image, and whether they hold each other up.

    python benchmarks/reading.py --root DIR [--recordings N] [--rounds N] [--readers N,N]

Prints images a second of reading real depth recordings (UTD-MHAD in --root) into blocks of frames as a GPU is handed
them: file read, inflated, checked, copied; 20 images a recording, each the mean of 3 frames. The device's part (levels,
means, resizing, network) is left out. With one reader, then with two: on two cores the second figure should be twice the
first. Beside it MATLAB files through scipy's `loadmat`, as one would read them, and a source whose reader is written in
Python alone (it unpacks numbers in a loop).

*lock held* is the share of the time in which the interpreter's lock could not be had, as the package `gilknocker` samples
it: a thread of its own (not Python's) asks for the lock every millisecond and measures how long it waits. Figures are
medians of rounds, in turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES = 20  # of a recording


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
        f"{'reading, images a second':<34} {'readers':>8} {'median':>9} {'least':>9} {'most':>9} {'/first':>7} {'lock held':>10}"
    )
    for (name, readers), found in rates.items():
        median = statistics.median(found)
        gain = median / statistics.median(rates[name, first])
        share = statistics.median(held[name, readers])
        print(f"{name:<34} {readers:8} {median:9.0f} {min(found):9.0f} {max(found):9.0f} {gain:7.2f} {share:10.1%}")
    print(f"medians of {options.rounds} rounds; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    from pipeline.sources.utd_mhad import UtdMhad

    source = UtdMhad(options.root.expanduser().resolve())
    recordings = [each for each in source.list().recordings if "depth" in each.streams][: options.recordings]
    yield Case("ours", _ours(source), recordings)
    yield Case("loadmat", lambda some, readers: _in_threads(_loadmat(source.root), some, readers), recordings)
    yield Case("a reader in Python", _ours(_python_source(source)), recordings[: max(4, options.recordings // 20)])


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
        reader = StreamReader(params, task, windows(params, modality.rate))
        tasks = [lambda each=each: reader.read(each, "depth") for each in recordings]
        frames = 0
        for _, block in read_ahead(tasks, threads=readers, items=AHEAD):
            if isinstance(block, PrefetchError):
                raise block.error
            frames += len(block.frames)
        assert frames >= 2 * IMAGES * len(recordings)

    return read


def _in_threads(read: Callable[[Any], None], recordings: Sequence[Any], readers: int) -> None:
    with ThreadPoolExecutor(readers) as pool:
        list(pool.map(read, recordings))


def _loadmat(root: Path) -> Callable[[Any], None]:
    from scipy.io import loadmat

    def read(recording: Any) -> None:
        loadmat(root / recording.streams["depth"][0])["d_depth"]

    return read


def _python_source(source: Any) -> Any:
    """Return a source that unpacks frames in Python, a row at a time."""
    import struct

    import numpy as np

    from pipeline.sources.base import Video

    class Frames(Video):
        def __init__(self, video: Any) -> None:
            self._video, self.length = video, video.length

        def frames(self, wanted: Any = None, side: int | None = None) -> Iterator[Any]:
            for frame in self._video.frames(wanted, side):
                data, (height, width) = frame.tobytes(), frame.shape
                rows = [list(struct.unpack_from(f"<{width}H", data, 2 * width * row)) for row in range(height)]
                yield np.array(rows, np.uint16)

    class InPython:
        name, root, classes, modalities = source.name, source.root, source.classes, source.modalities

        def open_video(self, recording: Any, stream: str) -> Any:
            return Frames(source.open_video(recording, stream))

    return InPython()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="UTD-MHAD's folder")
    parser.add_argument("--recordings", type=int, default=200, help="(default 200)")
    parser.add_argument("--rounds", type=int, default=5, help="(default 5)")
    parser.add_argument("--readers", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
