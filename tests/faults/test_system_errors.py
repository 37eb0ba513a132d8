"""Errors of the system on reads and writes, once or from then on: told, nothing wrong kept, made good by the next."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from .homes import RUN, Home
from .lab import Lab
from .places import Place, manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(1500)]

ON_READING = (errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOMEM, errno.EACCES, errno.ETIMEDOUT)
ON_WRITING = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE, errno.EMFILE)
READS, WRITES = ("open", "read", "read", "stat", "list"), ("write", "write", "fsync", "rename", "link", "mkdir")


@pytest.fixture
def failing(lab: Lab, tally: Tally, dice: Any, few: Any, failing_io: Any, tmp_path: Path) -> Callable[..., None]:
    """A function that lets calls below a folder fail, in homes of their own."""

    def try_all(
        what: str, count: int, make: Callable[[], Home], command: tuple[str, ...], where: Callable[[Home], str],
        check: Callable[[Home], None], *, reads: bool,
    ) -> None:  # fmt: skip
        def case(number: int) -> list[str]:
            rolls: Random = dice("system", what, reads, number)
            home = make()
            places = [home.store, *home.remotes]
            before = [manifests(place.objects()) for place in places]
            counted = tmp_path / f"{what}-{reads}-{number}"
            error = rolls.choice(ON_READING if reads else ON_WRITING)
            calls, after = rolls.choice(READS if reads else WRITES), rolls.choice([0, 1, 5, 20, 80])
            times = rolls.choice([1, 1, 3, None])
            variables = failing_io(error, where(home), calls, after=after, times=times, count=counted)
            ended = home.start(*command, **variables).end()
            struck = counted.exists() and counted.stat().st_size > after
            for place, then in zip(places, before, strict=True):
                lab.check(place, then)
            how = f"{errno.errorcode[error]} on {calls} after {after}, {times or 'all'} times"
            assert ended.code == 0 or (ended.code in (1, 2) and "error: " in ended.err), f"{how}: {ended}"
            home.command(*command)
            check(home)
            return [] if not struck else ["told, made good by the next"] if ended.code else ["ridden out"]

        tally.run("system error", f"{what}, on {'reading' if reads else 'writing'}", "folder", few(count), case)

    return try_all


def whole_at_home(lab: Lab) -> Callable[[Home], None]:
    def check(home: Home) -> None:
        assert manifests(home.store.objects()).keys() == manifests(lab.whole).keys()
        lab.check_end(home)

    return check


def test_run_reading_recordings(lab: Lab, failing: Any) -> None:
    """With `skip`: no recording may become a broken one."""

    def make() -> Home:
        return lab.home(settings={"on_bad_recording": "skip"})

    def recordings(home: Home) -> str:
        return f"{home.values['source']['root']}/"

    failing("run", 14, make, RUN, recordings, whole_at_home(lab), reads=True)


@pytest.mark.parametrize("reads", [True, False], ids=["reading", "writing"])
def test_run_in_a_store(lab: Lab, failing: Any, reads: bool) -> None:
    def store(home: Home) -> str:
        return f"{home.folder}/.store/"

    failing("run", 10, lab.home, RUN, store, whole_at_home(lab), reads=reads)


@pytest.mark.parametrize("reads", [True, False], ids=["reading", "writing"])
def test_push_and_pull(lab: Lab, failing: Any, tmp_path: Path, reads: bool) -> None:
    def remote(home: Home) -> str:
        return f"{home.remotes[0].url}/"

    def push_is_whole(home: Home) -> None:
        assert manifests(lab.check(home.remotes[0], {})) == manifests(lab.whole)

    def fresh() -> str:
        return str(tmp_path / f"remote-{os.urandom(6).hex()}")

    failing(
        "push", 8, lambda: lab.home(remotes=[fresh()], holds=lab.whole), ("push",), remote, push_is_whole, reads=reads
    )
    if reads:
        full = Place(fresh()).write(lab.whole)
        make: Callable[[], Home] = lambda: lab.home(remotes=[full.url], raw=False)  # noqa: E731
        failing("pull", 8, make, ("pull",), remote, whole_at_home(lab), reads=True)
