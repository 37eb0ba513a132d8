"""Copying over an output that differs: the old one whole until the new one is, and set aside then."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.errors import MissingOutput
from store.paths import BEING_DELETED
from store.transfer import copy_output, copying
from store.writing.attempts import has_mark, mark


@pytest.fixture(params=["folder", "s3"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    name = os.urandom(8).hex()
    return Store.open(str(tmp_path / name) if request.param == "folder" else request.getfixturevalue("s3").url(name))


def publish(store: Store, content: bytes, *, replace: bool = False) -> None:
    with store.draft("encode", "k1", recipe={"raw": "r"}, inputs=[]) as draft:
        draft.write("a", content)
        draft.write("b/c", content * 2)
        draft.publish({}, replace=replace)


@pytest.fixture
def source(tmp_path: Path) -> Store:
    store = Store.open(str(tmp_path / "source"))
    publish(store, b"old")
    return store


def test_one_that_differs_stays_until_it_is_to_be_replaced(source: Store, elsewhere: Store) -> None:
    copy_output(source, elsewhere, "encode", "k1")
    publish(source, b"new", replace=True)
    copied = copy_output(source, elsewhere, "encode", "k1")
    assert copied.sent == 0
    assert copied.differs == elsewhere.manifest("encode", "k1")
    assert elsewhere.output("encode", "k1").read_bytes("a") == b"old"
    assert copy_output(source, elsewhere, "encode", "k1", replace=True).sent == 9
    output = elsewhere.output("encode", "k1")
    output.verify()
    assert output.read_bytes("a") == b"new"
    assert sorted(path.split("/", 4)[4] for path in elsewhere._root.list_paths("quarantine")) == [
        "manifest.json", "objects/a", "objects/b/c", "why.json",
    ]  # fmt: skip
    again = copy_output(source, elsewhere, "encode", "k1", replace=True)
    assert (again.sent, again.differs) == (0, None)


def test_equal_objects_made_elsewhere_do_not_differ(source: Store, elsewhere: Store) -> None:
    publish(elsewhere, b"old")
    copied = copy_output(source, elsewhere, "encode", "k1", replace=True)
    assert (copied.sent, copied.differs) == (0, None)


def test_killed_anywhere_there_is_the_old_or_the_new(
    source: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from store.backends.local.backend import LocalBackend

    class Killed(BaseException):
        pass

    left = [0]

    def counted(call: Any) -> Any:
        def counting(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return call(*arguments, **options)

        return counting

    names = ("put", "write_stream", "put_if_absent", "move_all", "sync", "delete")
    whole = {name: getattr(LocalBackend, name) for name in names}
    seen = set()
    for step in range(1, 40):
        target = Store.open(str(tmp_path / f"target{step}"))
        publish(target, b"other")
        with monkeypatch.context() as patch:
            for name in names:
                patch.setattr(LocalBackend, name, counted(whole[name]))
            left[0] = step
            try:
                copy_output(source, target, "encode", "k1", replace=True)
                done = True
            except Killed:
                done = False
        output = target.output("encode", "k1")
        output.verify()
        seen.add(output.read_bytes("a"))
        copy_output(source, target, "encode", "k1", replace=True)
        assert target.output("encode", "k1").read_bytes("a") == b"old"
        if done:
            assert step > 5
            assert seen == {b"other", b"old"}
            return
    pytest.fail("it never came to its end")


def test_what_is_replaced_while_it_is_copied_is_copied_as_it_is_then(
    source: Store, elsewhere: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = copying.send

    def replaced_first(*arguments: Any) -> None:
        monkeypatch.setattr(copying, "send", send)
        publish(source, b"new", replace=True)
        send(*arguments)

    monkeypatch.setattr(copying, "send", replaced_first)
    copy_output(source, elsewhere, "encode", "k1")
    assert elsewhere.output("encode", "k1").read_bytes("a") == b"new"
    elsewhere.output("encode", "k1").verify()


def test_what_is_freed_while_it_is_copied_is_missing_and_not_damaged(
    source: Store, elsewhere: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = copying.send

    def freed_first(*arguments: Any) -> None:
        source._root.delete_all("outputs/encode/k1")
        send(*arguments)

    monkeypatch.setattr(copying, "send", freed_first)
    with pytest.raises(MissingOutput):
        copy_output(source, elsewhere, "encode", "k1")
    assert not elsewhere.has("encode", "k1")


def test_an_attempt_that_is_being_freed_is_not_written_to(source: Store, elsewhere: Store) -> None:
    """In a bucket whoever frees it may only stand still; on a folder, whose lock we hold, it is gone."""
    attempt = source.output("encode", "k1").manifest.attempt
    mark(elsewhere._root, f"outputs/encode/k1/{attempt}", BEING_DELETED)
    copy_output(source, elsewhere, "encode", "k1")
    found = elsewhere.output("encode", "k1")
    found.verify()
    assert (found.manifest.attempt == attempt) == elsewhere._root.locks_are_exclusive
    is_marked = has_mark(elsewhere._root, f"outputs/encode/k1/{attempt}", BEING_DELETED)
    assert is_marked != elsewhere._root.locks_are_exclusive
    assert json.loads(elsewhere._root.read("outputs/encode/k1/manifest.json"))["attempt"] == found.manifest.attempt
