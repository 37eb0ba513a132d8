"""A made-up folder of watches and skeletons, with known faults, and the stages file that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from pipeline.inspect.opened import Opened, open_listed
from pipeline.inspect.source.facts import SourceFacts, gather
from pipeline.inspect.source.looks import look_at

CLASSES = ("walk", "sit", "jump")
RATE = 50.0
TRIALS = [(label, subject, session) for label in CLASSES for subject in range(1, 5) for session in (1, 2)]

STAGES: dict[str, Any] = {
    "store": ".store",
    "source": {
        "name": "folder",
        "root": "data",
        "classes": [*CLASSES],
        "streams": {
            "watch": {
                "files": "watch/{label}_{subject}_{session}.csv",
                "rate": RATE,
                "time": {"column": "t"},
                "columns": ["x", "y", "z"],
                "units": "g",
            },
            "body": {
                "kind": "skeleton",
                "files": "body/{label}_{subject}_{session}.npy",
                "rate": 30,
                "axes": ["time", "joint", "axis"],
                "joints": "kinect20",
                "units": "m",
            },
        },
    },
    "modalities": ["watch", "body"],
    "protocol": "loso",
    "stages": {
        "encode": {"watch": {"window": 10, "stride": 5, "patches": 7}, "body": {"patches": 5}},
        "gaf": {"needs": ["encode"], "size": 16},
        "model": {"stage": "train", "needs": ["encode"], "model": "dmft-lite"},
        "evaluate": {"needs": ["model"]},
    },
}


def watch(number: int, count: int = 200) -> NDArray[np.float64]:
    """Return (count, 4): time in seconds, and an acceleration around 1 g whose values seldom repeat."""
    rng = np.random.default_rng(number)
    values = rng.normal((0, 1, 0), 0.1, (count, 3))
    return np.column_stack([np.arange(count) / RATE, values])


def body(number: int, count: int = 120) -> NDArray[np.float64]:
    """Return (count, 20, 3): a standing figure about 1.7 m high."""
    still = np.zeros((20, 3))
    still[:, 1] = [0, 0.25, 0.5, 0.7, 0.5, 0.25, 0, -0.1, 0.5, 0.25, 0, -0.1, 0, -0.5, -0.9, -1, 0, -0.5, -0.9, -1]
    still[:, 0] = [0, 0, 0, 0, *[-0.2] * 4, *[0.2] * 4, *[-0.1] * 4, *[0.1] * 4]
    return still + np.random.default_rng(number).normal(0, 0.01, (count, 20, 3))


def write_watch(path: Path, samples: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, samples, fmt="%.7g", delimiter=",", header="t,x,y,z", comments="")


def write_all(folder: Path, changed: Mapping[str, Any] | None = None) -> Path:
    """Write data without a fault, and its stages file which is returned."""
    for number, (label, subject, session) in enumerate(TRIALS):
        name = f"{label}_{subject}_{session}"
        write_watch(folder / "data" / "watch" / f"{name}.csv", watch(number))
        (folder / "data" / "body").mkdir(parents=True, exist_ok=True)
        np.save(folder / "data" / "body" / f"{name}.npy", body(number))
    return write_stages(folder, changed)


def write_stages(folder: Path, changed: Mapping[str, Any] | None = None) -> Path:
    """Write the stages file, with other parameters of the stream `watch`."""
    streams = STAGES["source"]["streams"]
    streams = {**streams, "watch": {**streams["watch"], **(changed or {})}}
    stages = {**STAGES, "source": {**STAGES["source"], "streams": streams}}
    (folder / "stages.yaml").write_text(yaml.safe_dump(stages, sort_keys=False))
    return folder / "stages.yaml"


def opened(file: Path, **settings: Any) -> Opened:
    """Open and list a stages file's source."""
    return open_listed(file, settings.items(), lambda *_: None)


def facts_of(file: Path) -> SourceFacts:
    """Read all recordings."""
    source = opened(file)
    looks = look_at(source.source, source.listing.recordings, source.streams, source.limits, lambda *_: None)
    return gather(source, looks)
