"""A few faults of each kind, quick enough for every day; `make faults` tries hundreds."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .harm import harm_output, same_outputs
from .homes import Pace, kill
from .lab import Lab
from .places import Place, manifests
from .proxy import Fault, Proxy

AMID_WRITES = Pace(lasts=0.6, writes=0.1)


def test_a_killed_push(lab: Lab, dice: Any, tmp_path: Path) -> None:
    home = lab.home(remotes=[str(tmp_path / "remote")], holds=lab.whole)
    for number in range(3):
        kill(home, ("push",), AMID_WRITES, dice("few", number))
        lab.check(home.remotes[0], {})
    home.command("push")
    assert manifests(home.remotes[0].objects()) == manifests(lab.whole)
    lab.clean(home, home.remotes[0])


@pytest.mark.parametrize("fault", [Fault("answer cut", 4), Fault("503", 2, lasts_s=1.0)], ids=lambda fault: fault.kind)
def test_a_disturbed_pull(lab: Lab, s3: Any, tmp_path: Path, fault: Fault) -> None:
    remote = Place(s3.url(tmp_path.name)).write(lab.whole)
    home = lab.home(remotes=[remote.url], raw=False)
    with Proxy(urlsplit(s3.endpoint).port or 0, fault) as proxy:
        ended = home.start("pull", AWS_ENDPOINT_URL=proxy.endpoint, PIPELINE_TIMEOUT_SECONDS="1").end()
        assert proxy.disturbed
    assert ended.code == 0, ended.err
    assert manifests(home.store.objects()) == manifests(lab.whole)


def test_a_damaged_store(lab: Lab, dice: Any, tmp_path: Path) -> None:
    remote = Place(str(tmp_path / "remote")).write(lab.whole)
    home = lab.home(remotes=[remote.url], holds=lab.whole)
    for number in range(2):
        harm_output(home.store, dice("few damaged", number))
    home.start("verify", "--quarantine").end()
    home.command("pull")
    assert same_outputs(home.store.objects(), lab)
    lab.check_end(home)
