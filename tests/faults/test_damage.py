"""Bytes that flip, and objects that are cut off, emptied, exchanged or gone: found before use, and made good."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from .harm import harm, harm_output, same_outputs
from .homes import RUN, Ended
from .lab import Lab
from .places import Objects, Place, damage, manifests
from .tally import Tally

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]


def told(ended: Ended) -> Ended:
    """See that a command did its work, or said what is wrong."""
    said = "error: " in ended.err or "damaged: " in ended.out or "cannot be checked: " in ended.out
    assert ended.code == 0 or (ended.code in (1, 2) and said), f"{ended.code}: {ended.out}{ended.err}"
    return ended


@pytest.fixture(scope="module")
def share(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A remote that has everything, whole."""
    return Place(str(tmp_path_factory.mktemp("share"))).write(lab.whole).url


def test_outputs_at_home(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str, share: str) -> None:
    """Found by checking, set aside, and fetched again."""

    def case(number: int) -> list[str]:
        home = lab.home(store=fresh(), remotes=[share], holds=lab.whole)
        done = harm_output(home.store, dice("home", kind, number))
        broken = not same_outputs(home.store.objects(), lab)
        ended = told(home.start("verify", "--quarantine").end())
        found = ended.code == 1 or "moved to" in ended.err or "manifest deleted" in done
        assert found or not broken, f"{done}\n{ended}"
        home.command("pull")
        assert same_outputs(home.store.objects(), lab), done
        home.command(*RUN)
        lab.check_end(home)
        return ["found, fetched again"] if broken else ["harmless"]

    tally.run("damage", "a published output, then verify and pull", kind, few(12), case)


@pytest.mark.parametrize("again", ["made", "fetched"])
def test_inputs_of_a_run(
    lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str, tmp_path: Path, again: str
) -> None:
    """Found when a training is about to read them; nobody has checked before."""
    encoded = lab.only("index", "encode")
    remotes = [Place(str(tmp_path / "share")).write(encoded).url] if again == "fetched" else []

    def case(number: int) -> list[str]:
        home = lab.home(store=fresh(), remotes=remotes, holds=encoded)
        done = harm_output(home.store, dice("input", kind, again, number), ("encode", "index"))
        ended = told(home.start(*RUN).end())
        home.command(*RUN)
        assert home.command("results", "--json").out == lab.results, done
        home.start("verify", "--quarantine").end()  # what no step has read
        home.command(*RUN)
        home.start("pull").end()
        assert same_outputs(home.store.objects(), lab), done
        lab.check_end(home)
        return ["found, run completed" if "moved to" in ended.err else "not read, or harmless"]

    tally.run("damage", f"a run's input, {again} again", kind, few(6), case)


def test_remotes(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    """Never copied; checked and pushed anew, the remote serves again."""

    def case(number: int) -> list[str]:
        remote = Place(fresh()).write(lab.whole)
        theirs, ours = lab.home(remotes=[remote.url], raw=False), lab.home(remotes=[remote.url], holds=lab.whole)
        done = harm_output(remote, dice("remote", kind, number))
        ended = told(theirs.start("pull").end())
        objects = theirs.store.objects()
        assert not damage(objects), done
        assert not lab.other(objects), done
        told(ours.start("verify", "--quarantine", "--remote", remote.url).end())
        ours.command("push")
        assert same_outputs(remote.objects(), lab), done
        theirs.command("pull")
        assert same_outputs(theirs.store.objects(), lab), done
        lab.check_end(theirs)
        return ["refused, then mended" if ended.code or len(manifests(objects)) < 4 else "harmless"]

    tally.run("damage", "a remote's output, then pull", kind, few(12), case)


@pytest.fixture(scope="module")
def unfinished(lab: Lab) -> list[Objects]:
    """What two runs left that were killed amid encoding, with a journal, and amid training, with a checkpoint."""

    def make(part: str, holds: Objects) -> Objects:
        def begun(paths: Iterable[str]) -> bool:
            return any(f"{part}/" in path and not path.endswith(".partial") for path in paths)

        for _ in range(20):
            home = lab.home(holds=holds)
            running = home.start(*RUN)
            running.kill_after(0.0, lambda home=home: begun(home.store.names()))
            objects = home.store.objects()
            if begun(objects):
                return objects
        raise AssertionError(f"never killed amid {part}")

    return [make(".journal", lab.only("index")), make(".scratch", lab.only("index", "encode"))]


def test_journals_and_scratch(
    lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str, unfinished: list[Objects]
) -> None:
    """What a killed run left is checked before the next goes on from it."""

    def case(number: int) -> list[str]:
        left = unfinished[number % 2]
        home = lab.home(store=fresh(), holds=left)
        rolls = dice("journal", kind, number)
        attempts = {path.split("/")[3] for path in left if ".journal/" in path or ".scratch/" in path}
        attempt = attempts.pop().partition(".")[0]
        paths = sorted(path for path in left if path.startswith("outputs/") and path.split("/")[3].startswith(attempt))
        paths = [path for path in paths if not path.endswith(".partial")]
        beside = [path for path in paths if ".journal/" in path or ".scratch/" in path]
        chosen = rolls.choice(beside if rolls.random() < 0.6 else paths)
        harm(home.store, chosen, [path for path in paths if path != chosen], rolls)
        home.command(*RUN)
        lab.check(home.store, manifests(left))
        lab.check_end(home)
        return ["completed"]

    tally.run("damage", "journal, scratch and shards of a killed run", kind, few(9), case)


def test_references_and_marks(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    """Cleaning frees nothing that is used, or says that it cannot tell."""

    def case(number: int) -> list[str]:
        home = lab.home(store=fresh(), holds={p: d for p, d in lab.whole.items() if not p.startswith("refs/")})
        home.command(*RUN)
        rolls = dice("references", kind, number)
        paths = sorted(path for path in home.store.names() if path.startswith(("refs/", "families/")[number % 2]))
        chosen = rolls.choice(paths)
        done = f"{harm(home.store, chosen, [], rolls)}: {chosen}"
        ended = told(home.start("gc", "--yes", "--grace", "0").end())
        assert manifests(home.store.objects()) == manifests(lab.whole), f"{done}\n{ended}"
        home.command(*RUN)
        assert same_outputs(home.store.objects(), lab), done
        lab.check_end(home, clean=ended.code == 0)
        return ["told, nothing freed" if ended.code else "nothing freed"]

    tally.run("damage", "a reference or a mark, then gc --yes", kind, few(8), case)


def test_the_format(lab: Lab, tally: Tally, dice: Any, few: Any, fresh: Any, kind: str) -> None:
    def case(number: int) -> list[str]:
        home = lab.home(store=fresh(), holds=lab.whole)
        harm(home.store, "store.json", [], dice("format", kind, number))
        ended = told(home.start(*RUN).end())
        if ended.code:
            home.store.write({"store.json": lab.whole["store.json"]})
        home.command(*RUN)
        assert same_outputs(home.store.objects(), lab)
        lab.check_end(home)
        return ["refused" if ended.code else "harmless"]

    tally.run("damage", "store.json, then run", kind, few(3), case)
