"""Two users of one group on one store folder: each runs, pushes, cleans and goes on from what the other has left."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from .homes import REPOSITORY, RUN, Home
from .lab import Lab
from .places import manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(1500)]

FIRST, SECOND, GROUP = 23_001, 23_002, 23_010
GC = ("gc", "--yes", "--grace", "0")


def give(folder: Path, user: int) -> None:
    """Make a folder and all in it somebody's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, GROUP)


@pytest.fixture
def open_folders(lab: Lab, tmp_path: Path) -> Path:
    """Let other users reach what lies in pytest's folders; return one that is anybody's."""
    if os.geteuid():
        pytest.skip("needs root, to be two other users")
    for folder in (lab.folder, tmp_path):
        for each in (folder, *folder.parents):
            if each.stat().st_uid == os.geteuid() and not each.stat().st_mode & 0o001:
                each.chmod(each.stat().st_mode | 0o711)
    return tmp_path


def test_in_turns(lab: Lab, tally: Tally, dice: Any, few: Any, python: Any, open_folders: Path) -> None:
    """One is killed, or ends; the other goes on: nothing is refused for whose a file is."""

    def case(number: int) -> list[str]:
        rolls = dice("two users", number)
        store = open_folders / f"shared-{number}"
        store.mkdir()
        os.chown(store, FIRST, GROUP)
        store.chmod(0o2775)
        homes: list[Home] = []
        for user in (FIRST, SECOND):
            home = lab.home(store=str(store), user=(user, GROUP))
            home.python = python.path
            home.environment["PIPELINE_CACHE"] = str(home.folder / "cache")
            home.environment["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), *python.packages])
            shutil.copytree(lab.folder / "cache", home.folder / "cache")
            give(home.folder, user)
            homes.append(home)
        first, second = rolls.sample(homes, 2)
        if killed := rolls.random() < 0.5:
            first.start(*RUN).kill_after(rolls.uniform(0.5, 4))
        else:
            first.command(*RUN)
        lab.check(second.store, {})
        second.command(*RUN)
        lab.check_end(second, clean=False)
        second.command(*rolls.choice([GC, ("verify", "--all"), (*RUN, "--force", "teacher")]))
        first.command(*RUN)
        lab.check_end(first, clean=False)
        assert manifests(first.store.objects()).keys() == manifests(lab.whole).keys()
        return ["went on from a killed run of the other" if killed else "both completed"]

    tally.run("second user", "run, gc, verify", "folder", few(12), case)
