"""References: which outputs they name, and that a damaged one names none."""

from __future__ import annotations

import json

import pytest

from store.errors import StoreError
from store.maintenance.references import decode_ref, encode_ref


def test_a_reference_names_outputs_at_any_depth() -> None:
    value = {"a": [{"stage": "x", "key": "1", "more": {"stage": "y", "key": "2"}}], "stage": 3, "key": "../.."}
    ref = decode_ref("r", json.dumps(value).encode(), "refs/r")
    assert ref.outputs == {("x", "1"): "", ("y", "2"): "more"}


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b'{"a":'], ids=["empty", "binary", "deep", "half"])
def test_no_reference(content: bytes) -> None:
    with pytest.raises(StoreError, match="refs/r"):
        decode_ref("r", content, "refs/r")


def test_a_reference_that_was_damaged_is_none() -> None:
    data = encode_ref({"steps": {"a": {"stage": "x", "key": "1"}}, "written": "2026"})
    assert decode_ref("r", data, "refs/r").outputs == {("x", "1"): "a"}
    with pytest.raises(StoreError, match="changed after it was written"):
        decode_ref("r", data.replace(b'"1"', b'"2"'), "refs/r")
