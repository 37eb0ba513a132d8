"""Recordings enough for several shards, and a way to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """416 recordings of one inertial unit in UTD-MHAD's layout: seven shards."""
    root = tmp_path_factory.mktemp("many")
    (root / "Inertial").mkdir()
    rng = np.random.default_rng(0)
    for action in range(1, 27):
        for subject in range(1, 5):
            for trial in range(1, 5):
                values = rng.normal(size=(rng.integers(120, 200), 6))
                savemat(root / "Inertial" / f"a{action}_s{subject}_t{trial}_inertial.mat", {"d_iner": values})
    return root


Wait = Callable[..., None]


@pytest.fixture(scope="session")
def until() -> Wait:
    """A function that waits until a condition holds, and fails after a time."""

    def wait(holds: Callable[[], object], seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    return wait
