"""A full disk: told with its remedy, nothing lost, and gone on from once there is space."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from .homes import RUN, Home
from .lab import Lab
from .places import Place, manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]

FULL = ("No space left on device", "are free. Free some space", "File too large")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A function that makes a disk of so many bytes."""
    numbers, mounted = count(), []

    def make(size: int) -> Path:
        place = tmp_path / f"disk-{next(numbers)}"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
        mounted.append(place)
        return place

    if os.geteuid():
        pytest.skip("needs root, to mount small disks")
    with suppress(subprocess.CalledProcessError):
        make(1 << 20)
    if not mounted:
        pytest.skip("cannot mount a small disk here")
    yield make
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


def need(lab: Lab) -> int:
    """Return how many bytes of disk the whole store takes, whole pages each."""
    return sum(-(-len(data) // 4096) * 4096 for data in lab.whole.values())


@pytest.fixture
def fill(lab: Lab, tally: Tally, dice: Any, few: Any, disk: Any) -> Callable[..., None]:
    def try_all(
        what: str, times: int, make: Callable[[str], Home], command: tuple[str, ...], end: Callable[[Home], None]
    ) -> None:
        def case(number: int) -> list[str]:
            size = int(need(lab) * dice("full", what, number).uniform(0.02, 0.98))
            small = disk(size)
            home = make(str(small / "store"))
            ended = home.start(*command).end()
            lab.check(Place(str(small / "store")), {})
            assert ended.code == 0 or any(sign in ended.err for sign in FULL), f"{size}: {ended.out}\n{ended.err}"
            enlarge(small)
            home.command(*command)
            end(home)
            return ["told, completed once there was space"] if ended.code else []

        tally.run("full disk", what, "tmpfs", few(times), case)

    return try_all


def test_run(lab: Lab, fill: Any) -> None:
    fill("run", 8, lambda store: lab.home(store=store), RUN, lab.check_end)


def test_pull(lab: Lab, fill: Any, tmp_path: Path) -> None:
    remote = Place(str(tmp_path / "remote")).write(lab.whole)

    def end(home: Home) -> None:
        assert manifests(home.store.objects()) == manifests(lab.whole)
        lab.check_end(home)

    fill("pull", 8, lambda store: lab.home(store=store, remotes=[remote.url], raw=False), ("pull",), end)


def test_push(lab: Lab, fill: Any) -> None:
    def end(home: Home) -> None:
        assert manifests(home.remotes[0].objects()) == manifests(lab.whole)
        lab.clean(home, home.remotes[0])

    fill("push", 4, lambda remote: lab.home(remotes=[remote], holds=lab.whole), ("push",), end)


def test_a_limit_on_file_size(lab: Lab, tally: Tally, dice: Any, few: Any) -> None:
    """As a quota on files gives it."""

    def case(number: int) -> list[str]:
        home = lab.home()
        blocks = dice("limit", number).choice([1, 2, 4, 8])
        limited = ("bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash")
        ended = home.start(*RUN, through=limited).end()
        lab.check(home.store, {})
        assert ended.code == 1, f"{ended.out}\n{ended.err}"
        assert any(sign in ended.err for sign in FULL), f"{ended.out}\n{ended.err}"
        home.command(*RUN)
        lab.check_end(home)
        return ["told, completed without the limit"]

    tally.run("full disk", "run", "a limit on file size", few(4), case)
