"""One folder store for two users of one machine with the umask that systems come with; needs root to become them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from store import Store

REPOSITORY = Path(__file__).parents[4]
GROUP = 23_400  # numbers without names, as in a container
ADA, BEN, EVE = 23_401, 23_402, 23_403


@dataclass(frozen=True)
class User:
    """Somebody of this machine, in groups, with a home of their own below `folder`."""

    number: int
    groups: tuple[int, ...]
    folder: Path
    python: Any

    @property
    def home(self) -> Path:
        return self.folder / f"home-{self.number}"

    def run(self, *arguments: str, cwd: Path | None = None, code: int = 0, **environment: str) -> Any:
        done = subprocess.run(
            [self.python.path, "-m", "pipeline", *arguments],
            cwd=cwd or self.home,
            user=self.number,
            group=self.number,
            extra_groups=list(self.groups),
            umask=0o022,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *self.python.packages]),
                "HOME": str(self.home),
                "OMP_NUM_THREADS": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert "defect of harvest" not in done.stderr
        return done

    def project(self, values: Mapping[str, Any]) -> None:
        """Write a stages file into the home."""
        (self.home / "stages.yaml").write_text(yaml.safe_dump(dict(values), sort_keys=False))
        _give(self.home, self.number)


def _give(folder: Path, number: int, group: int | None = None) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, number, number if group is None else group)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can look into; pytest's are the tester's alone."""
    folder = Path(tempfile.mkdtemp(prefix="harvest-users-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def users(python: Any, place: Path, cache: Path) -> dict[int, User]:
    """Two of one group, and somebody else; each has the sample, as a cache that is theirs."""
    found = {}
    for number in (ADA, BEN, EVE):
        user = found[number] = User(number, (GROUP,) if number != EVE else (), place, python)
        user.home.mkdir()
        _give(user.home, number)
    return found


@pytest.fixture
def experiment(small: dict[str, Any], raw_folder: Path, place: Path) -> dict[str, Any]:
    """The small experiment on recordings that everybody may read: no model but one, to be quick."""
    shutil.copytree(raw_folder, place / "data")
    (place / "data").chmod(0o755)
    stages = small["stages"]
    few = {name: stages[name] for name in ("encode", "student")} | {"evaluate": {"needs": ["student"]}}
    source = {"name": "utd-mhad", "root": str(place / "data")}
    return small | {"source": source, "store": str(place / "store"), "stages": few}


def share(folder: Path) -> None:
    """What docs/sharing.md tells a group to do."""
    folder.mkdir()
    os.chown(folder, ADA, GROUP)
    folder.chmod(0o2770)


def test_a_group_uses_one_store(users: dict[int, User], experiment: dict[str, Any], place: Path) -> None:
    ada, ben, eve = (users[number] for number in (ADA, BEN, EVE))
    share(place / "store")
    for user in users.values():
        user.project(experiment)
    assert "5 steps done" in ada.run("run").stdout
    assert "everything is cached" in ben.run("run").stdout
    again = ("--force", "encode", "--set", "stages.student.fit.epochs=2", "--until", "student")
    assert "3 steps done" in ben.run("run", *again).stdout  # two in the place of hers, one beside
    for each in (path for path in (place / "store").rglob("*")):
        mode, group = each.stat().st_mode, each.stat().st_gid
        assert group == GROUP, each
        assert mode & (0o2070 if each.is_dir() else 0o060) == (0o2070 if each.is_dir() else 0o060), each
    store = Store.open(str(place / "store"))
    for output in store.outputs():
        store.output(*output).verify()
    forgotten = [each for name in store.refs() for each in ("--forget", name)]
    assert "freed 6 outputs" in ada.run("gc", "--grace", "0s", "--yes", *forgotten).stdout  # his as hers
    said = eve.run("status", code=1)  # no reader at all
    assert "Permission denied" in said.stderr
    assert "docs/sharing.md" in said.stderr


def made_by_ada(finished: Any, place: Path) -> dict[str, Any]:
    """Put a store there as a umask of 022 leaves it, before anybody thought of a second user; return its experiment."""
    shutil.copytree(finished.store, place / "store")
    for path in [place / "store", *(place / "store").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    _give(place / "store", ADA)
    values: dict[str, Any] = yaml.safe_load(finished.file.read_text())
    return values | {"store": str(place / "store")}


def test_a_reader_uses_what_is_there_and_is_told_what_to_set(
    users: dict[int, User], finished: Any, place: Path
) -> None:
    ben, values = users[BEN], made_by_ada(finished, place)
    before = {path: path.stat().st_mtime_ns for path in (place / "store").rglob("*")}
    ben.project(values)
    said = ben.run("run")
    assert "everything is cached" in said.stdout
    notes = [line for line in said.stderr.splitlines() if line.startswith("note: cleaning may free")]
    assert len(notes) == 1
    assert "Permission denied" in notes[0]
    assert f"chgrp -R GROUP {place / 'store'} && chmod -R g+rwX" in notes[0]
    for command in ("status", "results", "verify"):
        assert "ermission" not in ben.run(command).stderr
    said = ben.run("run", "--set", "stages.student.fit.epochs=2", code=1)
    assert "2 steps must be done, and this user may not write to the store" in said.stderr
    assert said.stderr.count("Permission denied") == 1
    ben.project(values | {"store": str(ben.home / "own"), "remote": str(place / "store")})
    assert "9 pulled" in ben.run("pull").stdout
    assert "Permission denied" in ben.run("push", code=1).stderr
    assert {path: path.stat().st_mtime_ns for path in (place / "store").rglob("*")} == before
    subprocess.run(  # what the message says, as its owner
        f"chgrp -R {GROUP} {place}/store && chmod -R g+rwX {place}/store && "
        f"find {place}/store -type d -exec chmod g+s {{}} +",
        shell=True, check=True, user=ADA, group=ADA, extra_groups=[GROUP],
    )  # fmt: skip
    ben.project(values)
    assert "1 step done" in ben.run("run", "--force", "index", "--only", "index").stdout


def test_an_experiment_and_a_cache_that_are_another_users(
    users: dict[int, User], finished: Any, cache: Path, place: Path
) -> None:
    """Its folder, its lock and the cache can be read and not written."""
    ada, ben = users[ADA], users[BEN]
    ada.project(made_by_ada(finished, place))
    shutil.copytree(cache, ada.home / "cache")
    _give(ada.home, ADA)
    said = ben.run("run", cwd=ada.home, PIPELINE_CACHE=str(ada.home / "cache"))
    assert "everything is cached" in said.stdout
    assert "stages.lock: Permission denied" in said.stderr
    assert said.stderr.count("note: ") == 2  # that, and the store's


@pytest.mark.slow
def test_a_remote_folder_of_a_group(users: dict[int, User], experiment: dict[str, Any], place: Path) -> None:
    ada, ben = users[ADA], users[BEN]
    share(place / "share")
    for user in (ada, ben):
        user.project(experiment | {"store": str(user.home / "own"), "remote": str(place / "share")})
    ada.run("run", "--until", "encode", "--push")
    said = json.loads(ben.run("run", "--json", "--push").stdout)
    assert len(said["fetched"]) == 2
    assert not said["failed"]
    assert len(list(Store.open(str(place / "share")).outputs())) == 5
