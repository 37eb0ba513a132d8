from __future__ import annotations

import enum
import json
import subprocess
import sys
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.canonical import canonical_json, digest

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(list(value))}
    return tuple(reordered(item) for item in value) if isinstance(value, list) else value


@given(values)
def test_reading_it_back_gives_the_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value
    assert msgspec.json.decode(canonical_json(value)) == value


@given(values)
def test_neither_order_nor_kind_of_sequence_matters(value: Any) -> None:
    assert canonical_json(reordered(value)) == canonical_json(value)


@given(values)
def test_writing_again_what_was_read_gives_the_same_bytes(value: Any) -> None:
    once = canonical_json(value)
    assert canonical_json(json.loads(once)) == once


@given(values, values)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    if canonical_json(one) != canonical_json(other):
        assert digest(one) != digest(other)


def test_known_bytes_and_digest() -> None:
    value = {"b": [1, 2.5, None, True], "a": "é\n", "c": {}}
    assert canonical_json(value) == '{"a":"é\\n","b":[1,2.5,null,true],"c":{}}'.encode()
    # printf '%s' '{}' | sha256sum
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_an_integer_is_not_a_float_nor_a_truth() -> None:
    assert len({canonical_json(value) for value in (1, 1.0, True, "1")}) == 4


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "where", "kind"),
    [
        ({"a": [0, {"b": float("nan")}]}, "value['a'][1]['b']", ValueError),
        ([float("-inf")], "value[0]", ValueError),
        ({"a": np.float64(1)}, "value['a']", TypeError),
        ({"a": np.int64(1)}, "value['a']", TypeError),
        ([Colour.RED], "value[0]", TypeError),
        ({"a": {1: 2}}, "value['a']", TypeError),
        ({"a": {1, 2}}, "value['a']", TypeError),
        (b"bytes", "value", TypeError),
        (["\ud800"], "value[0]", ValueError),
        ({"\ud800": 1}, "a key of value", ValueError),
        ([2**64], "value[0]", ValueError),
        ([10**5000], "value[0]", ValueError),
    ],
)
def test_what_has_no_canonical_form_is_named(value: object, where: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        canonical_json(value)
    assert where in str(error.value)


def test_a_value_inside_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append({"again": loop})
    with pytest.raises(ValueError, match="contains itself"):
        canonical_json(loop)


def test_a_bottomless_value_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested"):
        canonical_json(deep)


def test_importing_the_store_imports_the_standard_library_alone(tmp_path: Any) -> None:
    program = (
        "import sys; from store import Store;"
        f"s = Store.open({str(tmp_path)!r}); s.has('encode', 'k');"
        "print([m for m in ('numpy', 'zarr', 'torch', 'obstore', 'msgspec', 'dask') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
