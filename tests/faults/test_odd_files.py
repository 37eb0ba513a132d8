"""Links, pipes and sockets in a store: never followed, never deleted with what they lead to, named, and no hang."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from random import Random
from typing import Any

import pytest

from .homes import RUN
from .lab import Lab
from .places import manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(1500)]

GC = ("gc", "--yes", "--grace", "0")


def treasure(folder: Path) -> dict[str, bytes]:
    """Fill a folder outside of the store with files that must not be touched, and return them."""
    files = {"precious": os.urandom(99), "deep/er/precious": os.urandom(99), "manifest.json": b"{}"}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


def places_to_put(store: Path) -> list[Path]:
    """List where something odd may turn up: beside and in place of every file and folder of the store."""
    existing = [path for path in store.rglob("*") if path.name != "lock"]
    return [path.with_name("odd") for path in existing] + existing


def put(path: Path, how: str, away: Path) -> None:
    """Put something odd at a path, in place of what is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if how == "a link to a folder":
        path.symlink_to(away, target_is_directory=True)
    elif how == "a link to a file":
        path.symlink_to(away / "precious")
    elif how == "a link to nothing":
        path.symlink_to(away / "nothing")
    elif how == "a link to itself":
        path.symlink_to(path.name)
    elif how == "a pipe":
        os.mkfifo(path)
    else:
        here = os.getcwd()
        with socket.socket(socket.AF_UNIX) as server:
            os.chdir(path.parent)  # an address has at most 107 bytes
            try:
                server.bind(path.name)
            finally:
                os.chdir(here)


HOW = ("a link to a folder",) * 3 + ("a link to a file", "a link to nothing", "a link to itself", "a pipe", "a socket")


def test_in_a_store(lab: Lab, tally: Tally, dice: Any, few: Any, tmp_path: Path) -> None:
    def case(number: int) -> list[str]:
        rolls: Random = dice("odd", number)
        home = lab.home(holds=lab.whole)
        store, away = home.store.folder, tmp_path / f"away-{number}"
        assert store
        files = treasure(away)
        spot, how = rolls.choice(places_to_put(store)), rolls.choice(HOW)
        put(spot, how, away)
        commands = rolls.sample([GC, ("verify", "--all"), ("store", "du"), ("store", "ls"), RUN, ("push",)], 4)
        remote = tmp_path / f"remote-{number}"
        ended = [home.start(*command, PIPELINE_REMOTE=str(remote)).end() for command in (*commands, GC)]
        for each in ended:
            assert each.code == 0 or (each.code in (1, 2) and each.err + each.out), f"{how} at {spot}: {each}"
        now = {path.relative_to(away).as_posix(): path.read_bytes() for path in away.rglob("*") if path.is_file()}
        assert now == files, f"{how} at {spot}: what it leads to was touched by {commands}"
        if remote.exists():
            assert not any(path.is_symlink() for path in remote.rglob("*"))
        named = any(spot.name in each.out + each.err for each in ended)
        assert named or not os.path.lexists(spot) or not spot.is_symlink(), f"{how} at {spot}: never named"
        if os.path.lexists(spot) and (spot.is_symlink() or not (spot.is_file() or spot.is_dir())):
            spot.unlink()  # as the message says
        home.start("verify", "--all", "--quarantine").end()
        home.command(*RUN)
        assert home.command("results", "--json").out == lab.results
        assert manifests(home.store.objects()).keys() >= manifests(lab.only("evaluate")).keys()
        return ["named" if named else "harmless"]

    tally.run("odd files", "gc, verify, run, push", "folder", few(24), case)
