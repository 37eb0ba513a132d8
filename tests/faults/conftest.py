"""The fault suite's parts: a lab, a tally that is printed at the end, and how much is tried.

``FAULTS_SCALE`` is the share of the full numbers (1 where left out), ``FAULTS_SEED`` draws other moments.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from .lab import Lab
from .tally import Tally

_TALLY = pytest.StashKey[Tally]()

Few = Callable[[int], int]
Dice = Callable[..., random.Random]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab.make(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash.setdefault(_TALLY, Tally())


@pytest.fixture(scope="session")
def few() -> Few:
    """A function that scales a number of cases."""
    scale = float(os.environ.get("FAULTS_SCALE", "1"))
    return lambda count: max(1, round(count * scale))


@pytest.fixture(scope="session")
def dice() -> Dice:
    """A function that returns a source of random numbers for a case, the same in every session of a seed."""
    seed = os.environ.get("FAULTS_SEED", "1")
    return lambda *case: random.Random(" ".join(map(str, (seed, *case))))


@pytest.fixture(params=["folder", "s3"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """A function that returns the URL of a new store, in a folder or in a bucket."""
    if request.param == "s3":
        service = request.getfixturevalue("s3")
        return lambda name: str(service.url(f"{tmp_path.parent.name}-{tmp_path.name}-{name}"))
    return lambda name: str(tmp_path / name)


@pytest.fixture
def fresh(where: Callable[[str], str]) -> Callable[[], str]:
    """A function that returns the URL of a store that is not there yet."""
    return lambda: where(os.urandom(6).hex())


@pytest.fixture
def kind(where: Callable[[str], str]) -> str:
    """Where stores lie, for the table."""
    return "S3" if "://" in where("") else "folder"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash.get(_TALLY, None)
    if tally and tally.rows:
        terminalreporter.section("faults")
        for line in tally.table():
            terminalreporter.write_line(line)
