"""Every promise of a store is kept at each kind of root that the tests can reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store import Store


@pytest.fixture(params=["folder", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param in ("s3", "azure"):
        served: str = request.getfixturevalue(request.param).url(os.urandom(8).hex())
        return served
    return str(tmp_path / "store") if request.param == "folder" else f"memory://{os.urandom(8).hex()}"


@pytest.fixture
def store(url: str) -> Store:
    return Store.open(url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def folder_store(folder: Path) -> Store:
    return Store.open(str(folder))
