"""`gc --yes` beside a command that relies on outputs being there: what the command says is there, is there."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from store import Store
from store.maintenance.references import encode_ref

from .homes import RUN, Ended, Home
from .lab import Lab
from .places import Objects, Place, manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(1500)]

GC = ("gc", "--yes", "--grace", "0")


def unused(lab: Lab) -> Objects:
    """Return the objects of a store of which nobody has said that he uses them."""
    return {path: data for path, data in lab.whole.items() if not path.startswith("refs/")}


def name_something_else(place: Place) -> None:
    """Write the reference of another experiment: a store without any keeps everything."""
    content = encode_ref({"steps": {"gone": {"stage": "train", "key": "0" * 64}}})
    Store.open(place.url).write_ref("another", content)


def beside(home: Home, command: tuple[str, ...], place: Place, dice: Random) -> tuple[Ended, Ended]:
    """Start a cleaning of a store and a command at nearly one time; the cleaning may fall asleep amid its work."""
    before = place.names()
    head_start = dice.uniform(-0.6, 0.6)
    if head_start > 0:
        other = home.start(*command)
        time.sleep(head_start)
    cleaning = home.start(*GC, "--store", place.url)
    if head_start <= 0:
        time.sleep(-head_start)
        other = home.start(*command)
    if dice.random() < 0.5:
        cleaning.pause(dice.uniform(0.1, 2), lambda: place.names() != before)
    return other.end(), cleaning.end()


def outcome(ended: Ended, cleaned: Ended) -> str:
    assert cleaned.code == 0, f"{cleaned.out}\n{cleaned.err}"
    assert ended.code == 0 or (ended.code == 1 and "error: " in ended.err), f"{ended.code}: {ended.out}\n{ended.err}"
    return "told, completed by the next" if ended.code else "completed"


def test_push(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    """Of what the remote has already, unused by anybody."""

    def case(number: int) -> list[str]:
        remote = Place(fresh()).write(unused(lab))
        name_something_else(remote)
        home = lab.home(remotes=[remote.url], holds=lab.whole)
        ended, cleaned = beside(home, ("push",), remote, dice("gc push", kind, number))
        there = manifests(lab.check(remote, {}))
        assert ended.code or there.keys() == manifests(lab.whole).keys(), f"gone: {ended.out}"
        home.command("push")
        assert manifests(lab.check(remote, {})).keys() == manifests(lab.whole).keys()
        lab.clean(home, remote)
        return [outcome(ended, cleaned)]

    tally.run("gc beside", "push", kind, few(10), case)


def test_pull(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    """Of what the store at home has already, unused by anybody."""
    remote = Place(fresh()).write(lab.whole)

    def case(number: int) -> list[str]:
        home = lab.home(store=fresh(), remotes=[remote.url], holds=unused(lab), raw=False)
        name_something_else(home.store)
        ended, cleaned = beside(home, ("pull",), home.store, dice("gc pull", kind, number))
        there = manifests(lab.check(home.store, {}))
        assert ended.code or there.keys() == manifests(lab.whole).keys(), f"gone: {ended.out}"
        home.command("pull")
        lab.check_end(home)
        return [outcome(ended, cleaned)]

    tally.run("gc beside", "pull", kind, few(8), case)


def test_run(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    """Of what is half there, unused by anybody."""
    half = {path: data for path, data in lab.only("index", "encode").items() if not path.startswith("refs/")}

    def case(number: int) -> list[str]:
        home = lab.home(store=fresh(), holds=half)
        name_something_else(home.store)
        ended, cleaned = beside(home, RUN, home.store, dice("gc run", kind, number))
        lab.check(home.store, {})
        home.command(*RUN)
        lab.check_end(home)
        return [outcome(ended, cleaned)]

    tally.run("gc beside", "run", kind, few(5), case)
