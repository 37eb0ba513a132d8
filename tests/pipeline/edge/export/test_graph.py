"""The graph makes of raw samples what the encode stage makes of them, recording by recording and in batches."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.edge.export.raw_model import ModalityGraph, ModalityInputs
from pipeline.edge.runtime.batch import padded
from pipeline.sources.base import Series
from pipeline.stages.encode.align import Windows, starts
from pipeline.stages.encode.timelines.params import SensorAxis, SeriesParams, SkeletonParams
from pipeline.stages.encode.timelines.rest import AXES, calibrated
from pipeline.stages.encode.timelines.series import timeline
from pipeline.stages.encode.timelines.skeleton import normalise
from trainers.data.patches import derive_bones, derive_velocities, patches
from trainers.gaf.params import GafParams
from trainers.gaf.render import render

RATE = 50.0
Align = Literal["resample", "truncate", "pad"]


def recording(seed: int, length: int, sample: tuple[int, ...], jitter: float) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    values = np.cumsum(draw.normal(0, 0.3, (length, *sample)), axis=0) + draw.normal(0, 1, sample)
    times = 3.0 + np.arange(length) / RATE + draw.uniform(-jitter, jitter, length) / RATE
    return values, np.sort(times)


def encoded(values: Any, times: Any, graph: ModalityGraph) -> tuple[Any, Any, Any]:
    """Return series, patches and which are valid as the encode stage computes them, in NumPy for the most part."""
    if graph.skeleton is not None:
        values = normalise(values, graph.skeleton)
    flat = values.reshape(len(values), -1)
    series = timeline([Series(flat, times)], graph.rate, graph.spec)
    if graph.channels:
        series = series[:, list(graph.channels)]
    if graph.rest is not None:
        series = calibrated(series, graph.units, graph.rest)
    tensor = torch.from_numpy(series.astype(np.float32))[None]
    where = torch.from_numpy(starts(graph.spec, len(series)))
    whole = derive_bones(tensor, graph.parents) if graph.parents else tensor
    whole = derive_velocities(whole) if graph.velocities else whole
    pooled = patches(whole, where, graph.spec.window, graph.reduce)[0]
    made = torch.zeros(graph.spec.patches, pooled.shape[1])
    made[: len(pooled)] = pooled
    return tensor[0], made, torch.arange(graph.spec.patches) < len(pooled)


GRAPHS = st.builds(
    ModalityGraph,
    streams=st.just(["wrist"]),
    rate=st.just(RATE),
    spec=st.builds(
        Windows,
        window=st.integers(1, 8),
        stride=st.integers(1, 6),
        patches=st.integers(1, 6),
        align=st.sampled_from(["resample", "truncate", "pad"]),
    ),
    channels=st.sampled_from([(), (2, 0)]),
    skeleton=st.none(),
    reduce=st.sampled_from(["mean", "mean-std", "flatten"]),
    velocities=st.booleans(),
)


@settings(deadline=None, max_examples=150)
@given(graph=GRAPHS, lengths=st.lists(st.integers(50, 90), min_size=1, max_size=3), seed=st.integers(0, 999),
       jitter=st.sampled_from([0.0, 0.3]))  # fmt: skip
def test_series_become_what_encoding_makes_of_them(
    graph: ModalityGraph, lengths: list[int], seed: int, jitter: float
) -> None:
    recordings = [recording(seed + place, length, (3,), jitter) for place, length in enumerate(lengths)]
    check(graph, recordings)


@settings(deadline=None, max_examples=60)
@given(axis=st.sampled_from(["none", *sorted(AXES)]), unit=st.sampled_from(["g", "m/s2"]), seed=st.integers(0, 999),
       deviation=st.sampled_from([0.3, 100.0]))  # fmt: skip
def test_rest_is_found_and_used_as_encoding_does(axis: SensorAxis, unit: str, seed: int, deviation: float) -> None:
    graph = ModalityGraph(
        streams=["wrist"], rate=RATE, spec=Windows(6, 3, 8, "resample"), channels=(), skeleton=None, reduce="mean",
        velocities=False, units=(unit,) * 3 + ("deg/s",) * 3,
        rest=SeriesParams(calibrate="rest", orient=axis, rest_share=0.2, rest_deviation=deviation),
    )  # fmt: skip
    check(graph, [recording(seed + place, length, (6,), 0.0) for place, length in enumerate((60, 75, 90))])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gravity_along_the_axis_already_and_opposite_to_it(sign: float) -> None:
    force = np.tile([0.0, 0.0, 0.9 * sign], (60, 1))
    graph = ModalityGraph(
        streams=["wrist"], rate=RATE, spec=Windows(6, 3, 8, "resample"), channels=(), skeleton=None, reduce="mean",
        velocities=False, units=("g",), rest=SeriesParams(calibrate="rest", orient="z"),
    )  # fmt: skip
    check(graph, [(force, np.arange(60) / RATE)])


def check(graph: ModalityGraph, recordings: list[tuple[Any, Any]]) -> None:
    module = ModalityInputs(graph, {"wrist": "patches", "wrist:series": "series"})
    batch = {name: torch.from_numpy(each) for name, each in padded([{"wrist": each} for each in recordings]).items()}
    inputs, valid = module([batch["wrist"]], [batch["wrist_time"]])
    for row, (values, times) in enumerate(recordings):
        series, pooled, good = encoded(values, times, graph)
        assert torch.equal(valid[row], good)
        torch.testing.assert_close(inputs["wrist"][row], pooled, rtol=1e-4, atol=1e-4)
        if graph.spec.align == "resample":
            torch.testing.assert_close(inputs["wrist:series"][row], series, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("centre", ["none", "frame", "first"])
@pytest.mark.parametrize("scale", ["none", "torso"])
@pytest.mark.parametrize("orient", ["none", "shoulders"])
def test_skeletons_are_turned_centred_and_scaled(centre: Any, scale: Any, orient: Any) -> None:
    params = SkeletonParams(centre=centre, scale=scale, orient=orient)
    graph = ModalityGraph(["wrist"], RATE, Windows(6, 3, 20, "resample"), (), params, "mean", velocities=True)
    check(graph, [recording(seed, 40 + seed, (20, 3), 0.2) for seed in range(3)])


@pytest.mark.parametrize("velocities", [False, True])
def test_bones_are_drawn_in_the_graph(*, velocities: bool) -> None:
    params = SkeletonParams(bones=True, parents=(1, 2, 3, 3))
    spec, parents = Windows(6, 3, 20, "resample"), params.bone_parents()
    graph = ModalityGraph(["wrist"], RATE, spec, (), params, "mean-std", velocities=velocities, parents=parents)
    check(graph, [recording(seed, 40 + seed, (4, 3), 0.2) for seed in range(3)])


@pytest.mark.parametrize("field", ["summation", "difference", "both"])
def test_images_are_drawn_in_the_graph(field: Any) -> None:
    gaf = GafParams(size=12, field=field, scaling="fixed", range=4.0)
    graph = ModalityGraph(["wrist"], RATE, Windows(9, 9, 5, "resample"), (), None, "mean", velocities=False, gaf=gaf)
    values, times = recording(0, 70, (3,), 0.2)
    batch = {name: torch.from_numpy(each) for name, each in padded([{"wrist": (values, times)}]).items()}
    inputs, _ = ModalityInputs(graph, {"wrist:images": "images"})([batch["wrist"]], [batch["wrist_time"]])
    series, _, _ = encoded(values, times, graph)
    torch.testing.assert_close(inputs["wrist:images"], render(series[None], gaf), rtol=1e-4, atol=1e-4)


def test_streams_of_one_modality_share_their_span() -> None:
    spec = Windows(5, 5, 4, "resample")
    graph = ModalityGraph(["a", "b"], RATE, spec, (), None, "mean", velocities=False)
    one, other = recording(0, 60, (3,), 0.2), recording(1, 45, (2,), 0.2)
    other = (other[0], other[1] + 0.3)
    batch = padded([{"a": one, "b": other}])
    tensors = {name: torch.from_numpy(each) for name, each in batch.items()}
    module = ModalityInputs(graph, {"x:series": "series"})
    inputs, _ = module([tensors["a"], tensors["b"]], [tensors["a_time"], tensors["b_time"]])
    expected = timeline([Series(*one), Series(*other)], RATE, spec)
    torch.testing.assert_close(
        inputs["x:series"][0], torch.from_numpy(expected.astype(np.float32)), rtol=1e-4, atol=1e-4
    )


def test_clocks_of_today_lose_nothing() -> None:
    graph = ModalityGraph(["wrist"], RATE, Windows(6, 3, 8, "truncate"), (), None, "mean-std", velocities=False)
    values, times = recording(3, 80, (3,), 0.3)
    check(graph, [(values, times + 1.8e9)])
