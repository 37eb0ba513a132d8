"""How long an exported model takes on one thread, and how much memory, measured in a process of its own.

    python -m pipeline.edge.runtime.measure MODEL.onnx [RECORDINGS.npz]

That process loads NumPy and ONNX Runtime alone, so that its peak of memory tells the model's. Without recordings, which
`pack` lays out, the card's streams are made up. It prints JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.errors import ConfigError, StepError

WARM_UP, CALLS = 20, 200
_MADE_UP_S = 3.0  # seconds of a recording, where the card says that any length will do
_PERCENTILES = (50, 99)

Batch = Mapping[str, NDArray[Any]]  # a graph's inputs: one recording


def measure_apart(model: Path, recordings: Path) -> dict[str, Any]:
    """Measure a model on recordings, a file of what `pack` returns, in a process of its own.

    Returns
    -------
    dict
        ``p50_ms`` and ``p99_ms`` of a call with one recording, ``calls``, ``recordings``, ``waited``, the share of
        that time in which the process did not run, and ``peak_bytes``: by how much the peak of its memory rose from
        before the model was opened.

    Raises
    ------
    StepError
        ONNX Runtime does not open or compute it, for want of memory say.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pipeline.edge.runtime.measure", str(model), str(recordings)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise StepError(f"{model.name}: cannot be measured: {last[:200]}\n  is there memory enough?")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def pack(recordings: Sequence[Batch]) -> dict[str, NDArray[Any]]:
    """Lay out recordings as the arrays of one ``.npz``: each input's name behind the recording's number."""
    return {f"{place}:{name}": array for place, each in enumerate(recordings) for name, array in each.items()}


def unpack(arrays: Mapping[str, NDArray[Any]]) -> list[Batch]:
    """Return the recordings that `pack` laid out."""
    recordings: dict[int, dict[str, NDArray[Any]]] = {}
    for key, array in arrays.items():
        place, _, name = key.partition(":")
        recordings.setdefault(int(place), {})[name] = array
    return [recordings[place] for place in sorted(recordings)]


def made_up(model: Path) -> list[Batch]:
    """Return a recording of noise that has the shapes and rates of a model's card."""
    from pipeline.edge.card import time_input  # reads JSON by a package that measuring does without
    from pipeline.edge.runtime.model import open_model

    card = open_model(model).card
    batch: dict[str, NDArray[Any]] = {}
    draw = np.random.default_rng(0)
    for stream in card.streams:
        lasts = max([span.seconds for span in card.spans if stream.name in span.streams], default=0.0) or _MADE_UP_S
        times = np.arange(int(lasts * stream.rate) + 2) / stream.rate
        batch[stream.name] = draw.standard_normal((1, len(times), *stream.sample), np.float32)
        batch[time_input(stream.name)] = times[None]
    return [batch]


def _measure(model: Path, recordings: Sequence[Batch]) -> dict[str, Any]:
    before = _peak_memory()
    session = _session(model)
    seconds, computed = [], 0.0
    for call in range(WARM_UP + CALLS):
        batch = recordings[call % len(recordings)]
        ran, start = time.process_time(), time.perf_counter()
        session.run(None, batch)
        took = time.perf_counter() - start
        if call >= WARM_UP:
            seconds.append(took)
            computed += time.process_time() - ran
    p50, p99 = 1e3 * np.percentile(seconds, _PERCENTILES)
    figures = {"p50_ms": float(p50), "p99_ms": float(p99), "calls": CALLS, "recordings": len(recordings)}
    waited = max(0.0, 1 - computed / sum(seconds))
    return {**figures, "waited": waited, "peak_bytes": _peak_memory() - before}


def _session(model: Path) -> Any:
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _peak_memory() -> int:
    """Return the most bytes of memory that this process has held so far."""
    try:  # not ru_maxrss, which on Linux begins with that of whoever started this
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << (0 if sys.platform == "darwin" else 10)


def _main(model: Path, recordings: Path | None = None) -> None:
    if recordings is not None:
        with np.load(recordings, allow_pickle=False) as file:
            print(json.dumps(_measure(model, unpack(file))))
        return
    with TemporaryDirectory() as folder:
        file = Path(folder, "recordings.npz")
        np.savez(file, **pack(made_up(model)))  # type: ignore[arg-type]
        print(json.dumps(measure_apart(model, file)))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m pipeline.edge.runtime.measure MODEL.onnx [RECORDINGS.npz]")
    try:
        _main(*map(Path, sys.argv[1:]))
    except (ConfigError, StepError, OSError) as error:
        sys.exit(f"error: {error}")
