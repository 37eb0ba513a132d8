"""Where values lie does not change what a training makes of them; moments of parts are those of the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainers.data import device as data_device
from trainers.data.augment import Augmenter
from trainers.data.device import RunningMoments, row_chunks, take_rows
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import fit_standardiser
from trainers.params import AugmentParams, StandardiseParams


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.floats(-1e3, 1e3))
def test_moments_of_parts_are_those_of_the_whole(sizes: list[int], shift: float) -> None:
    values = shift + torch.randn(sum(sizes), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = RunningMoments()
    for part in torch.split(values, sizes):
        found.add(part)
    assert found.count == len(values)
    if len(values):
        torch.testing.assert_close(found.mean, values.mean(0))
        torch.testing.assert_close(found.deviation, values.std(0, correction=0), atol=1e-9, rtol=1e-7)


def test_parts_are_all_in_order() -> None:
    assert torch.cat(list(row_chunks(10, data_device.CHUNK_VALUES // 3))).tolist() == [*range(10)]
    assert [len(each) for each in row_chunks(10, data_device.CHUNK_VALUES // 3)] == [3, 3, 3, 1]
    assert [len(each) for each in row_chunks(3, 10 * data_device.CHUNK_VALUES)] == [1, 1, 1]
    assert [len(each) for each in row_chunks(3, 0)] == [3]


def test_statistics_do_not_depend_on_what_is_looked_at_together(
    skeleton: ModalityData, inertial: ModalityData, video: ModalityData, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [skeleton, inertial, video]
    whole = fit_standardiser(data, StandardiseParams()).state_dict()
    deviations = [Augmenter(each, AugmentParams()).deviation for each in data]
    monkeypatch.setattr(data_device, "CHUNK_VALUES", 200)
    for name, tensor in fit_standardiser(data, StandardiseParams()).state_dict().items():
        torch.testing.assert_close(tensor, whole[name])
    for each, deviation in zip(data, deviations, strict=True):
        torch.testing.assert_close(Augmenter(each, AugmentParams()).deviation, deviation)


def test_batches_of_values_in_a_half_precision_file_are_those_of_memory(
    inertial: ModalityData, video: ModalityData, labels: Tensor, tmp_path: Path
) -> None:
    def rounded(values: Tensor) -> Tensor:
        return values.half().float()

    def filed(values: Tensor, name: str) -> Tensor:
        mapped = np.memmap(tmp_path / name, np.float16, "w+", shape=tuple(values.shape))
        mapped[:] = values.numpy()
        return torch.from_numpy(mapped)

    assert inertial.series is not None
    held = [
        replace(inertial, features=rounded(inertial.features), series=rounded(inertial.series)),
        replace(video, features=rounded(video.features)),
    ]
    away = [
        replace(inertial, features=filed(inertial.features, "a"), series=filed(inertial.series, "b")),
        replace(video, features=filed(video.features, "c")),
    ]
    rows = torch.tensor([3, 0, 7])
    for seed in (None, 4):
        one, other = (
            RecordingData(data, labels, AugmentParams(feature_jitter=0.1)).batch(
                rows, None if seed is None else torch.Generator().manual_seed(seed)
            )
            for data in (held, away)
        )
        for name, values in one["inputs"].items():
            assert other["inputs"][name].dtype == torch.float32
            assert torch.equal(other["inputs"][name], values)


def test_rows_are_picked_where_the_values_lie() -> None:
    values = torch.arange(12.0).view(6, 2)
    assert torch.equal(take_rows(values, torch.tensor([5, 0, 5])), values[[5, 0, 5]])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_what_does_not_fit_stays_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.randn(6, 2)
    assert data_device.to_device_if_fits(values, "cuda").is_cuda
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10, 1 << 50))  # more than what torch keeps to reuse
    stays = data_device.to_device_if_fits(values, "cuda")
    assert not stays.is_cuda
    rows = torch.tensor([5, 0], device="cuda")
    assert torch.equal(take_rows(stays, rows).cpu(), values[[5, 0]])
