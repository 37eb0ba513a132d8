"""The examples of docs/plug-ins.md, as they are written there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[3] / "docs" / "plug-ins.md"
NAMED = re.compile(r"^```\w+\n# ([\w.]+)\n(.*?)^```", re.M | re.S)


def examples() -> dict[str, str]:
    """Return what the page shows of each file."""
    return dict(NAMED.findall(PAGE.read_text(encoding="utf-8")))


def write_experiment(folder: Path) -> Path:
    """Write the page's files, and recordings of four cows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in examples().items():
        (folder / name).write_text(text, encoding="utf-8")
    write_recordings(folder / "data")
    return folder


def write_recordings(root: Path) -> None:
    """Write two sessions of each class for each of four cows, of which one class is quick and one tilted."""
    rng = np.random.default_rng(0)
    for cow in "1234":
        (root / cow).mkdir(parents=True)
        for quick, label in enumerate(("grazing", "lying", "walking")):
            for session in "12":
                values = rng.normal((quick, 0, -quick), 0.5, (120, 3))
                np.savetxt(root / cow / f"{label}-{session}.csv", values, fmt="%.3f", delimiter=",")
