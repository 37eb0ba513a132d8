"""SIGKILL at random moments: what is published stays whole, and the next command completes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from store import Store

from .homes import RUN, Home, Pace, kill, pace
from .lab import Lab
from .places import Objects, Place, manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(1500)]

GC = ("gc", "--yes", "--grace", "0")
Make = Callable[[Random], Home]


def kill_once(lab: Lab, home: Home, command: tuple[str, ...], paced: Pace, dice: Random, *, gone: bool) -> str:
    """Kill a command at a moment, and check every store that it may write to; empty: it ended before."""
    places = [home.store, *home.remotes]
    before = [place.objects() for place in places]
    ended = kill(home, command, paced, dice)
    after = [lab.check(place, manifests(then), gone=gone) for place, then in zip(places, before, strict=True)]
    if ended.code is not None:
        assert ended.code == 0, ended.err
        return ""
    return "before its first write" if _paths(before) == _paths(after) else "amid its writes"


def _paths(stores: list[Objects]) -> list[set[str]]:
    return [{path for path in objects if not path.endswith("/lock")} for objects in stores]


def kills(
    lab: Lab, home: Home, command: tuple[str, ...], paced: Pace, dice: Random, *, gone: bool = False
) -> list[str]:
    """Kill a command one to three times, each going on from what the last has left; then let it complete."""
    outcomes = []
    for _ in range(dice.randint(1, 3)):
        outcome = kill_once(lab, home, command, paced, dice, gone=gone)
        if not outcome:
            break
        outcomes.append(outcome)
    home.command(*command)
    return outcomes


@pytest.fixture
def try_kills(lab: Lab, tally: Tally, dice: Any, few: Any) -> Callable[..., None]:
    """A function that kills a command in homes of its own until there were enough."""

    def try_all(
        what: str, place: str, count: int, make: Make, command: tuple[str, ...], check: Callable[[Home], None],
        *, gone: bool = False,
    ) -> None:  # fmt: skip
        paced = pace(make(dice(what, place)), *command)

        def chain(number: int) -> list[str]:
            rolls = dice(what, place, number)
            home = make(rolls)
            outcomes = kills(lab, home, command, paced, rolls, gone=gone)
            check(home)
            return outcomes

        tally.run("SIGKILL", what, place, few(count), chain)

    return try_all


def test_run(lab: Lab, try_kills: Any, fresh: Callable[[], str], kind: str) -> None:
    """Half of the homes begin with nothing, half with features."""
    encoded = lab.only("index", "encode")

    def make(dice: Random) -> Home:
        return lab.home(store=fresh(), holds=dice.choice([{}, encoded]))

    try_kills("run", kind, 26, make, RUN, lab.check_end)


def test_run_that_pushes(lab: Lab, try_kills: Any, fresh: Callable[[], str], kind: str) -> None:
    encoded = lab.only("index", "encode")

    def check(home: Home) -> None:
        lab.check_end(home)
        home.command("push")
        assert len(manifests(lab.check(home.remotes[0], {}))) == len(manifests(lab.whole))
        lab.clean(home, home.remotes[0])

    try_kills("run --push", kind, 8, lambda _: lab.home(remotes=[fresh()], holds=encoded), (*RUN, "--push"), check)


@pytest.fixture
def full(lab: Lab, fresh: Callable[[], str]) -> Place:
    """A remote that has everything."""
    return Place(fresh()).write(lab.whole)


def test_run_that_fetches(lab: Lab, try_kills: Any, full: Place, kind: str) -> None:
    def check(home: Home) -> None:
        lab.check_end(home)
        home.command("pull")
        assert manifests(home.store.objects()) == manifests(lab.whole)

    try_kills("run, fetching", kind, 12, lambda _: lab.home(remotes=[full.url], raw=False), RUN, check)


def test_push(lab: Lab, try_kills: Any, fresh: Callable[[], str], kind: str) -> None:
    def check(home: Home) -> None:
        assert manifests(lab.check(home.remotes[0], {})) == manifests(lab.whole)
        lab.clean(home, home.remotes[0])

    try_kills("push", kind, 18, lambda _: lab.home(remotes=[fresh()], holds=lab.whole), ("push",), check)


def test_pull(lab: Lab, try_kills: Any, full: Place, kind: str) -> None:
    def check(home: Home) -> None:
        assert manifests(home.store.objects()) == manifests(lab.whole)
        lab.check_end(home)

    try_kills("pull", kind, 18, lambda _: lab.home(remotes=[full.url], raw=False), ("pull",), check)


@pytest.fixture(scope="module")
def littered(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """The objects of a store with much to free: outputs that nobody uses, unfinished ones, damaged ones set aside."""
    place = Place(str(tmp_path_factory.mktemp("littered"))).write(lab.whole)
    store = Store.open(place.url)
    for number in range(24):
        with store.draft("train", f"unused{number}", recipe={"raw": "r"}, inputs=[]) as draft:
            draft.write("model", os.urandom(1000))
            draft.write("deep/er/history", os.urandom(100))
            draft.journal("model", ["model"])
            if number % 4:
                draft.publish({})
        if number % 4 == 1:
            store.quarantine("train", f"unused{number}", "to see it go")
    return place.objects()


def test_gc(
    lab: Lab, try_kills: Any, littered: Mapping[str, bytes], fresh: Callable[[], str], kind: str
) -> None:  # fmt: skip
    def check(home: Home) -> None:
        assert manifests(home.store.objects()) == manifests(lab.whole)
        assert home.command("run").out.endswith("nothing to do\n")
        lab.check_end(home)

    try_kills("gc --yes", kind, 20, lambda _: lab.home(store=fresh(), holds=littered), GC, check, gone=True)
