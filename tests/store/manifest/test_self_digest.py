"""A manifest is trusted as far as its own digest goes; one without, as far as it can be told otherwise."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import Store
from store.canonical import digest
from store.errors import CorruptManifest, StoreError
from store.manifest.manifest import decode_manifest, encode_manifest, new_manifest
from store.manifest.self_digest import check_digest, with_digest

from ..used import name

ENCODE, INDEX = "e" * 64, "1" * 64
RECIPE = {"stage": "train", "features": ENCODE, "raw": {"a": "0" * 64}, "params": {"x": 1.5, "é": [1e22, None]}}


def made(recipe: Mapping[str, Any], inputs: Sequence[str], stage: str = "train") -> bytes:
    attempt = "20260101T000000000000Z-00000000"
    return encode_manifest(
        new_manifest(stage, digest(recipe), attempt, objects=[], recipe=recipe, inputs=inputs, provenance={"on": "x"})
    )


def old(text: bytes) -> bytes:
    """Return a manifest as earlier versions wrote it."""
    values = json.loads(text)
    del values["sha256"]
    return json.dumps(values, indent=1).encode()


def flips(text: bytes, count: int) -> list[bytes]:
    found = []
    rng = random.Random(0)
    for _ in range(count):
        changed = bytearray(text)
        changed[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
        found.append(bytes(changed))
    return found


def values(text: bytes) -> Any:
    """Return the members that mean something."""
    known = json.loads(made(RECIPE, [])).keys() - {"sha256"}
    return {member: value for member, value in json.loads(text.decode("utf-8", "replace")).items() if member in known}


def differing(changed: bytes, text: bytes) -> set[str]:
    """Return the members that say something else."""
    before = values(text)
    after = values(changed)
    return {member for member in before if after.get(member) != before[member]}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(), st.integers() | st.text(), min_size=1), st.data())
def test_every_flip_of_a_text_is_found(value: dict[str, Any], data: st.DataObject) -> None:
    text = with_digest(json.dumps(value, ensure_ascii=False).encode())
    assert check_digest(text)
    assert {**json.loads(text), "sha256": ""} == {**value, "sha256": ""}
    place = data.draw(st.integers(0, text.rindex(b'"sha256"') - 1))
    changed = bytearray(text)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError, match="changed after it was written"):
        check_digest(bytes(changed))


def test_no_flip_of_a_manifest_changes_what_it_says() -> None:
    text = made(RECIPE, [ENCODE])
    key = digest(RECIPE)
    refused = 0
    for changed in flips(text, 4500):
        try:
            decode_manifest(changed, stage="train", key=key, url="here")
        except StoreError:
            refused += 1
        else:
            assert not differing(changed, text)
    assert refused > 4300


def test_a_flip_of_the_format_is_damage_and_no_other_version() -> None:
    text = made(RECIPE, [])
    with pytest.raises(CorruptManifest, match="changed after it was written"):
        decode_manifest(text.replace(b'"format": 1', b'"format": 3'), stage="train", key=digest(RECIPE), url="here")


@pytest.mark.parametrize("change", [b'"sha256": "' + b"A" * 64 + b'"', b'"sha256": "x"', b'"sha256": 1'])
def test_a_digest_that_is_none(change: bytes) -> None:
    text = made(RECIPE, [])
    start = text.rindex(b'"sha256"')
    with pytest.raises(CorruptManifest):
        decode_manifest(text[:start] + change + b"\n}\n", stage="train", key=digest(RECIPE), url="here")


def test_one_of_an_earlier_version_is_read_and_this_one_by_earlier_versions() -> None:
    import msgspec

    from store.manifest.schema import Manifest

    text = made(RECIPE, [ENCODE])
    key = digest(RECIPE)
    read = decode_manifest(old(text), stage="train", key=key, url="here")
    assert read == decode_manifest(text, stage="train", key=key, url="here")
    assert msgspec.json.decode(text, type=Manifest) == read  # all that earlier versions did with it


@pytest.fixture
def used(folder_store: Store) -> Store:
    """index <- encode <- train, of which only train is named; keys are digests of recipes."""
    outputs: list[tuple[str, str, dict[str, Any], list[str]]] = [
        ("encode", ENCODE, {"raw": 1}, [INDEX]),
        ("index", INDEX, {"raw": 2}, []),
        ("train", digest(RECIPE), RECIPE, [ENCODE]),
    ]
    for stage, key, recipe, inputs in outputs:
        with folder_store.draft(stage, key, recipe=recipe, inputs=inputs) as draft:
            draft.write("a/b", b"c")
            draft.publish({"user": "me"})
    name(folder_store, "mine.json", ("train", digest(RECIPE)))
    return folder_store


def contradiction(stage: str, key: str, recipe: Mapping[str, Any], inputs: Sequence[str]) -> str | None:
    """What who makes the keys says of them."""
    if stage == "train" and (digest(recipe) != key or recipe["features"] not in inputs):
        return "it is not of its recipe"
    return None


@pytest.mark.parametrize("stage", ["train", "encode"])
@pytest.mark.parametrize("earlier", [False, True], ids=["with a digest", "of an earlier version"])
def test_cleaning_frees_nothing_that_a_flipped_manifest_needs(
    used: Store, folder: Path, stage: str, earlier: bool
) -> None:
    (path,) = (folder / "outputs" / stage).glob("*/manifest.json")
    text = old(path.read_bytes()) if earlier else path.read_bytes()
    unseen = {"created", "provenance"} | ({"recipe"} if stage == "encode" else set())  # of which nothing else tells
    stopped = 0
    for changed in flips(text, 250):
        path.write_bytes(changed)
        store = Store.open(used.url)
        checked = None
        try:
            checked = store.verify(stage, path.parent.name, contradiction=contradiction)
            assert checked is not None
            found = bool(checked.damage)
        except StoreError:
            found = True
        try:
            scraps = store.garbage_collection(grace_s=0, contradiction=contradiction).garbage
        except StoreError:
            stopped += 1
            continue
        assert not [scrap for scrap in scraps if scrap.kind == "output"]
        told = differing(changed, text)
        assert found or told <= (unseen if earlier else set()), changed
    assert stopped > 50


def test_an_input_of_an_earlier_version_that_differs_in_one_character(used: Store, folder: Path) -> None:
    """An encode's recipe does not name its index."""
    (path,) = (folder / "outputs/encode").glob("*/manifest.json")
    text = old(path.read_bytes())
    path.write_bytes(text.replace(INDEX.encode(), b"3" + INDEX[1:].encode()))
    with pytest.raises(StoreError, match=f"(?s)which is not there; {INDEX} is.*nothing is freed"):
        used.garbage_collection(grace_s=0)
    checked = used.verify("encode", ENCODE)
    assert checked is not None
    assert INDEX in checked.damage[0].found
    path.write_bytes(text)
    used._root.delete_all(f"outputs/index/{INDEX}")  # as where only some outputs were pulled
    assert not used.garbage_collection(grace_s=60).garbage
    checked = used.verify("encode", ENCODE)
    assert checked is not None
    assert not checked.damage
