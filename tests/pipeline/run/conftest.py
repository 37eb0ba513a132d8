"""Recordings enough for several shards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory, inertial_files: Callable[..., Path]) -> Path:
    """416 recordings: seven shards."""
    return inertial_files(tmp_path_factory.mktemp("many"), 26, 4, 200)
