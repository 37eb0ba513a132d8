"""Connections to a bucket that are refused, cut, stalled or answered by errors, and answers that flood, drip, lie or
lead elsewhere: ridden out, or told and made good."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from .homes import RUN, Home
from .lab import Lab
from .places import Place, manifests
from .proxy import HOSTILE, KINDS, Fault, Listener, Proxy
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]

PATIENCE = {"PIPELINE_TIMEOUT_SECONDS": "1"}  # so that what stalls is given up soon, and what is away after 2.25 s
OUTAGES = (0.0, 0.0, 0.0, 1.0, 8.0)  # one request, or all of some seconds


@pytest.fixture
def fresh(s3: Any, tmp_path: Any) -> Callable[[], str]:
    return lambda: str(s3.url(f"cut-{tmp_path.name}-{os.urandom(6).hex()}"))


@pytest.fixture
def cut(lab: Lab, s3: Any, tally: Tally, dice: Any, few: Any) -> Callable[..., None]:
    """A function that disturbs a command's connections, in homes of their own."""
    port = urlsplit(s3.endpoint).port or 0

    def through(home: Home, command: tuple[str, ...], fault: Fault | None) -> tuple[int, int, int, str]:
        with Proxy(port, fault) as proxy, Listener() as listener:
            proxy.elsewhere = listener.url
            ended = home.start(*command, AWS_ENDPOINT_URL=proxy.endpoint, **PATIENCE).end()
            assert not listener.credentials(), f"brought to a host that nobody named: {listener.credentials()}"
            return ended.code or 0, proxy.requests, proxy.disturbed, ended.err

    def draw(kinds: Sequence[str], number: int, requests: int, rolls: Random) -> Fault:
        kind = kinds[number % len(kinds)]
        return Fault(kind, rolls.randint(1, requests), rolls.random(), rolls.choice(OUTAGES))

    def try_all(
        what: str, counts: tuple[int, int], make: Callable[[], Home], command: tuple[str, ...],
        check: Callable[[Home], None],
    ) -> None:  # fmt: skip
        """Try so many disturbed and so many hostile answers."""
        code, requests, _, said = through(make(), command, None)
        assert code == 0, said

        def case(kinds: Sequence[str], number: int) -> list[str]:
            home = make()
            fault = draw(kinds, number, requests, dice("cut", what, kinds[0], number))
            places = [home.store, *home.remotes]
            before = [manifests(place.objects()) for place in places]
            code, _, disturbed, said = through(home, command, fault)
            for place, then in zip(places, before, strict=True):
                lab.check(place, then)
            assert code == 0 or (code == 1 and "error: " in said), f"{fault}: ended with {code}:\n{said}"
            home.command(*command)
            check(home)
            return (["ridden out"] if code == 0 else ["told, made good by the next"]) if disturbed else []

        for fault, kinds, count in zip(("connection", "hostile service"), (KINDS, HOSTILE), counts, strict=True):
            tally.run(fault, what, "S3", few(count), partial(case, kinds))

    return try_all


def test_push(lab: Lab, cut: Any, fresh: Callable[[], str]) -> None:
    def check(home: Home) -> None:
        assert manifests(lab.check(home.remotes[0], {})) == manifests(lab.whole)
        lab.clean(home, home.remotes[0])

    cut("push", (14, 8), lambda: lab.home(remotes=[fresh()], holds=lab.whole), ("push",), check)


def test_pull(lab: Lab, cut: Any, fresh: Callable[[], str]) -> None:
    remote = Place(fresh()).write(lab.whole)

    def check(home: Home) -> None:
        assert manifests(home.store.objects()) == manifests(lab.whole)
        lab.check_end(home)

    cut("pull", (14, 10), lambda: lab.home(remotes=[remote.url], raw=False), ("pull",), check)


def test_run_on_a_bucket(lab: Lab, cut: Any, fresh: Callable[[], str]) -> None:
    encoded = lab.only("index", "encode")
    cut("run", (14, 8), lambda: lab.home(store=fresh(), holds=encoded), RUN, lab.check_end)


def test_run_that_fetches(lab: Lab, cut: Any, fresh: Callable[[], str]) -> None:
    remote = Place(fresh()).write(lab.whole)
    cut("run, fetching", (12, 10), lambda: lab.home(remotes=[remote.url], raw=False), RUN, lab.check_end)
