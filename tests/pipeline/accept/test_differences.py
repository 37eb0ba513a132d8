"""What counts as equal values, and what does not."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save

from pipeline.accept.differences import compare
from pipeline.accept.objects import compare_objects

TOLERANCE = 1e-5  # that of `pipeline accept` where none is given
RANDOM = np.random.default_rng(0)


def features(dtype: str = "float32") -> Any:
    return RANDOM.normal(size=(16, 5, 8)).astype(dtype)


@given(arrays.arrays(np.float32, (3, 4), elements=st.floats(width=32)))
def test_equal_bits_whatever_they_are(values: Any) -> None:
    """Values that are not finite among them."""
    found = compare("a", values, values.copy(), 0.0)
    assert found.bits
    assert found.taken
    assert found.largest == 0.0


@given(st.floats(1e-30, 1e30), st.floats(1e-4, 0.5))
def test_the_scale_of_values_does_not_matter(scale: float, factor: float) -> None:
    old = (np.linspace(-1, 1, 60).reshape(5, 12) * scale).astype(np.float64)
    assert not compare("a", old, old * (1 + factor), TOLERANCE).taken
    assert compare("a", old, old * (1 + 1e-7), TOLERANCE).taken


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_another_order_of_a_sum_is_taken(dtype: str) -> None:
    """Means of four thousand terms, forwards and backwards, stored in a coarse type or a fine one."""
    terms = RANDOM.normal(1, 1, size=(64, 40, 4096)).astype(np.float32)
    forwards = np.add.accumulate(terms, axis=-1)[..., -1] / np.float32(4096)
    backwards = np.add.accumulate(terms[..., ::-1], axis=-1)[..., -1] / np.float32(4096)
    old, new = forwards.astype(dtype), backwards.astype(dtype)
    assert not np.array_equal(old, new)
    found = compare("features", old, new, TOLERANCE, columns=True)
    assert found.taken
    assert found.largest > 0
    assert not compare("features", old, new, 0.0, columns=True).taken


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("factor", [1.001, 1.0002, 0.9])
def test_a_factor_is_found(dtype: str, factor: float) -> None:
    """Also where it is less than a step of the stored type: too many values take that step."""
    old = features()
    found = compare("features", old.astype(dtype), (old * np.float32(factor)).astype(dtype), TOLERANCE, columns=True)
    assert not found.taken
    assert 0.2 * abs(factor - 1) < found.largest < 5 * abs(factor - 1) + 1e-3


def test_small_features_beside_large_ones() -> None:
    """A gyroscope's hundreds of degrees a second must not hide a change to an accelerometer's g."""
    old = features() * np.array([500.0] * 4 + [4.0] * 4, np.float32)
    new = old.copy()
    new[..., 4:] *= np.float32(1.001)
    assert compare("series", old, new, TOLERANCE, columns=False).largest < 2e-5
    assert not compare("series", old, new, TOLERANCE, columns=True).taken


def test_one_value_is_told_with_its_place() -> None:
    old = features()
    new = old.copy()
    new[3, 2, 1] += 0.5
    found = compare("features", old, new, TOLERANCE, rows=[f"r{i}" for i in range(16)], columns=True)
    assert not found.taken
    assert found.where == f"recording r3 at [2, 1]: {old[3, 2, 1]!s} became {new[3, 2, 1]!s}"


@pytest.mark.parametrize("new", [math.nan, math.inf])
def test_what_is_not_finite_is_never_near(new: float) -> None:
    old = np.ones((2, 3), np.float32)
    changed = old.copy()
    changed[1, 1] = new
    assert not compare("a", old, changed, 1.0).taken
    assert not compare("a", changed, old, 1.0).taken


@pytest.mark.parametrize("dtype", ["bool", "int64"])
def test_masks_and_numbers_are_exact(dtype: str) -> None:
    old = np.zeros((4, 3), dtype)
    new = old.copy()
    new[2, 1] = 1
    found = compare("valid", old, new, 1.0, rows=list("abcd"))
    assert not found.taken
    assert found.where.startswith("recording c at [1]: ")


def test_images_of_bytes_may_round_the_other_way_now_and_then() -> None:
    old = RANDOM.integers(0, 255, (4, 6, 64, 64), dtype=np.uint8)
    few, all_, two = old.copy(), old + np.uint8(1), old.copy()
    few[0, 0, 0, :10] += 1
    two[0, 0, 0, 0] += 2
    assert compare("images", old, few, TOLERANCE).taken
    assert not compare("images", old, all_, TOLERANCE).taken
    assert not compare("images", old, two, TOLERANCE).taken


def test_another_shape_or_type() -> None:
    old = features()
    assert "float32 (16, 5, 8) became float32 (16, 5, 7)" in compare("a", old, old[..., :7], 1.0).where
    assert not compare("a", old, old.astype("float64"), 1.0).taken


METRICS = {"top1": 0.5, "per_class": [{"action": "wave", "f1": 0.25}, {"action": "kick", "f1": 0.75}], "n": 4}


def objects(name: str, new: Any, tolerance: float = TOLERANCE) -> Any:
    return compare_objects(name, json.dumps(METRICS).encode(), json.dumps(new, indent=1).encode(), tolerance)


@pytest.mark.parametrize(
    ("new", "where"),
    [
        ({**METRICS, "top1": 0.6}, ".top1: 0.5 became 0.6"),
        ({**METRICS, "n": 5}, ".n: 4 became 5"),
        ({**METRICS, "top1": True}, ".top1: 0.5 became True"),
        ({**METRICS, "loss": 1.0}, ".loss: is new"),
        ({key: METRICS[key] for key in ("top1", "n")}, ".per_class[]: is gone"),
        ({**METRICS, "per_class": METRICS["per_class"][:1]}, ".per_class[1]: is gone"),  # type: ignore[index]
        (
            {**METRICS, "per_class": [{"action": "wave", "f1": 0.25}, {"action": "kick", "f1": 0.76}]},
            ".per_class[1].f1: 0.75 became 0.76",
        ),
        (
            {**METRICS, "per_class": [{"action": "wave", "f1": 0.25}, {"action": "clap", "f1": 0.75}]},
            ".per_class[1].action: kick became clap",
        ),
    ],
)
def test_documents(new: Any, where: str) -> None:
    found = objects("metrics.json", new)
    assert not found.taken
    assert found.where == where


def test_documents_that_are_near() -> None:
    assert objects("metrics.json", METRICS).largest == 0.0
    assert objects("metrics.json", {**METRICS, "top1": 0.5 + 1e-7}).taken
    assert objects("metrics.json", {**METRICS, "top1": 0.6}, tolerance=0.5).taken


def test_lines_of_documents() -> None:
    old = b'{"recording": "a", "predicted": "wave", "probability": 0.9}\n'
    assert compare_objects("predictions.jsonl", old, old.replace(b"0.9}", b"0.900001}"), TOLERANCE).taken
    found = compare_objects("predictions.jsonl", old, old.replace(b"wave", b"kick"), 1.0)
    assert found.where == "[0].predicted: wave became kick"
    assert not compare_objects("predictions.jsonl", old, old + old, 1.0).taken


def test_tensors() -> None:
    weights = features()
    old = save({"w": weights, "b": np.zeros(3, np.float32)}, {"json": "{}"})
    near = save({"w": weights * np.float32(1 + 1e-6), "b": np.zeros(3, np.float32)}, {"json": "{}"})
    far = save({"w": weights * np.float32(1.01), "b": np.zeros(3, np.float32)}, {"json": "{}"})
    other = save({"w": weights, "b": np.zeros(3, np.float32)}, {"json": '{"x":1}'})
    assert compare_objects("model.safetensors", old, near, TOLERANCE).taken
    assert compare_objects("model.safetensors", old, far, TOLERANCE).where.startswith("w: at [")
    assert compare_objects("model.safetensors", old, other, 1.0).where.startswith("metadata: ")
    assert compare_objects("model.safetensors", old, save({"w": weights}), 1.0).where == "b is gone"


def test_anything_else_is_bytes() -> None:
    assert compare_objects("picture.png", b"a", b"a", 0.0).bits
    assert not compare_objects("picture.png", b"a", b"b", 1.0).taken


@pytest.mark.parametrize("name", ["metrics.json", "predictions.jsonl", "model.safetensors"])
@pytest.mark.parametrize("old", [b"", b"{", b"\xff" * 20, b"[" * 100_000])
def test_what_cannot_be_read_is_not_equal(name: str, old: bytes) -> None:
    assert not compare_objects(name, old, b"{}", 1.0).taken
