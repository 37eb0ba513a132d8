"""Two at once: one publishes, the other takes what the first made or says who is at it; nothing is made wrong."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .homes import RUN, Ended, Home
from .lab import Lab
from .places import Place, manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]

LEFT = ("left to another run", "is being written by")
LEASE = {"PIPELINE_LEASE_SECONDS": "0.5"}


def both(homes: tuple[Home, Home], command: tuple[str, ...], apart: float, *, sleeps: float = 0.0) -> list[Ended]:
    """Start a command in two homes; the first may fall asleep amid its writes, and wake up to a lost lease."""
    first, second = homes
    before = first.names()
    began = first.start(*command, **LEASE)
    time.sleep(apart)
    other = second.start(*command, **LEASE)
    if sleeps:
        began.pause(sleeps, lambda: first.names() != before)
    return [began.end(), other.end()]


def told(ended: Ended, *, waits: bool) -> None:
    left = ended.code == 1 and any(sign in ended.err for sign in LEFT)
    assert ended.code == 0 or (left and not waits), f"{ended.code}: {ended.out}\n{ended.err}"


def outcome(ended: list[Ended]) -> list[str]:
    return ["both completed" if all(each.code == 0 for each in ended) else "one left steps to the other"]


def test_runs(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    """Of one experiment, into one store."""

    def case(number: int) -> list[str]:
        rolls = dice("runs", kind, number)
        store, waits = fresh(), number % 2 == 0
        holds = rolls.choice([{}, lab.only("index"), lab.only("index", "encode")])
        homes = lab.home(store=store, holds=holds), lab.home(store=store)
        sleeps = rolls.uniform(1, 3) if kind == "S3" and number % 3 else 0.0
        ended = both(homes, RUN if waits else (*RUN, "--no-wait"), rolls.uniform(0, 1), sleeps=sleeps)
        for each in ended:
            told(each, waits=waits)
        lab.check(Place(store), manifests(holds))
        for home in homes:
            home.command(*RUN)
            lab.check_end(home)
        return outcome(ended)

    tally.run("two at once", "run and run", kind, few(5), case)


def test_pushes(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    """Of the same outputs, and of outputs that were made twice and differ in their attempts."""
    again = lab.home()
    again.command(*RUN)
    twin = again.store.objects()

    def case(number: int) -> list[str]:
        rolls = dice("pushes", kind, number)
        remote = fresh()
        homes = (
            lab.home(remotes=[remote], holds=lab.whole),
            lab.home(remotes=[remote], holds=rolls.choice([lab.whole, twin])),
        )
        ended = both(homes, ("push",), rolls.uniform(0, 0.2), sleeps=rolls.choice([0.0, 1.5]))
        for each in ended:
            told(each, waits=False)
        lab.check(Place(remote), {})
        for home in homes:
            home.command("push")
        assert manifests(lab.check(Place(remote), {})).keys() == manifests(lab.whole).keys()
        lab.clean(homes[0], Place(remote))
        return outcome(ended)

    tally.run("two at once", "push and push", kind, few(5), case)
