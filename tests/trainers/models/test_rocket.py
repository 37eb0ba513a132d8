"""MiniRocket: a case worked by hand, and aeon's transform as the oracle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trainers.data.batch import RowBatch
from trainers.errors import TrainingError
from trainers.models.rocket.kernels import dilations, kernel_weights, levels
from trainers.models.rocket.model import Rocket
from trainers.models.rocket.params import RocketParams
from trainers.models.rocket.transform import MiniRocket

# what aeon 1.6.0's MiniRocket (random_state=5) drew and made of `series(3, channels, samples)`, fitted on the first:
# the channels that each dilation's 84 kernels see, biases and shares of positive values
OF_AEON = json.loads((Path(__file__).parent / "minirocket_of_aeon.json").read_text())


def series(cases: int, channels: int, samples: int) -> Tensor:
    n, c, t = np.ogrid[:cases, :channels, :samples]
    return torch.from_numpy(((7 * t * t + 3 * t * n + 11 * c * t + 5 * n) % 23 - 11).astype(np.float32))


def like_aeon(found: dict[str, Any]) -> MiniRocket:
    """Return a transform of the channels that aeon drew, without biases."""
    transform = MiniRocket(found["samples"], found["channels"], found["features"], where="wrist")
    for place, (dilation, _) in enumerate(transform.dilations):
        for kernel, seen in enumerate(found["seen"][84 * place : 84 * (place + 1)]):
            transform.get_buffer(f"channels/{dilation}")[kernel, [int(channel) for channel in seen]] = 1
    return transform


def biases_of(transform: MiniRocket) -> Tensor:
    return torch.cat([transform.get_buffer(f"biases/{dilation}").flatten() for dilation, _ in transform.dilations])


def test_the_kernels_are_84_that_add_up_to_zero() -> None:
    kernels = kernel_weights()
    assert len({tuple(each) for each in kernels}) == 84
    assert {sum(each) for each in kernels} == {0}
    assert {tuple(sorted(each)) for each in kernels} == {(-1,) * 6 + (2,) * 3}


def test_shares_of_an_impulse_worked_by_hand() -> None:
    # the output for a one in the middle of nine samples is the kernel from behind: three of nine lie above 0. Without
    # padding only the middle is left, which is above 0 where the kernel's own middle is a 2
    transform = MiniRocket(9, 1, 84, where="wrist")
    transform.get_buffer("channels/1").fill_(1)
    impulse = torch.zeros(1, 1, 9)
    impulse[0, 0, 4] = 1
    shares = transform(impulse)[0]
    torch.testing.assert_close(shares[0::2], torch.full((42,), 3 / 9))
    middles = [float(kernel[4] == 2) for kernel in kernel_weights()]
    assert shares[1::2].tolist() == middles[1::2]


@pytest.mark.parametrize("found", OF_AEON, ids=["one channel", "four channels"])
def test_dilations_biases_and_shares_are_aeons(found: dict[str, Any]) -> None:
    transform = like_aeon(found)
    assert transform.dilations == list(zip(found["dilations"], found["shares"], strict=True))
    data = series(3, found["channels"], found["samples"])
    transform.fit_biases(data, torch.zeros(len(transform.dilations), 84, dtype=torch.int64))
    np.testing.assert_allclose(biases_of(transform), found["biases"], atol=2e-5)
    np.testing.assert_allclose(transform(data), found["ppv"], atol=2e-6)


def test_there_are_as_many_features_as_asked_for_up_to_the_kernels() -> None:
    assert 84 * sum(share for _, share in dilations(189, 9996)) == 9996
    assert MiniRocket(189, 3, 1000, where="wrist").width == 84 * 11
    assert dilations(9, 84 * 5) == [(1, 5)]  # no room for another
    assert max(dilation for dilation, _ in dilations(189, 9996)) * 8 < 189


def test_levels_cover_the_range_evenly() -> None:
    found = sorted(levels(1000))
    assert np.diff([0, *found, 1]).max() < 3 / 1000


def test_few_channels_are_drawn_more_often_and_never_none_or_more_than_nine() -> None:
    transform = MiniRocket(100, 20, 84 * 32, where="wrist")
    transform.draw_channels(torch.Generator().manual_seed(0))
    counts = torch.cat([transform.get_buffer(f"channels/{dilation}").sum(1) for dilation, _ in transform.dilations])
    assert counts.min() == 1
    assert counts.max() == 9
    for count in range(1, 10):  # 2 ** uniform(0, log2(10)) lies between count and count + 1
        share = float((counts == count).float().mean())
        assert share == pytest.approx(np.log((count + 1) / count) / np.log(10), abs=0.04)
    every = torch.cat([transform.get_buffer(f"channels/{dilation}") for dilation, _ in transform.dilations]).mean(0)
    assert every.min() > 0.5 * every.max()


def test_a_series_shorter_than_a_kernel_is_refused() -> None:
    with pytest.raises(TrainingError, match="9 samples at least, and wrist has 8"):
        MiniRocket(8, 3, 84, where="wrist")


SHAPES = {"wrist": (30, 3), "hip": (30, 2), "chest": (50, 1)}
CLASSES = 2


class Rows(list[RowBatch]):
    def __len__(self) -> int:
        return sum(len(batch["labels"]) for batch in self)


def recordings(count: int, chunk: int, seed: int = 0) -> Rows:
    """Return recordings of two classes: slow waves and fast ones, of any phase."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    inputs = {}
    for name, (samples, channels) in SHAPES.items():
        time = torch.arange(samples) / samples
        phase = torch.rand(count, 1, channels, generator=draw)
        waves = torch.sin(2 * torch.pi * ((3 + 4 * labels.view(-1, 1, 1)) * time.view(1, -1, 1) + phase))
        inputs[name] = waves + 0.3 * torch.randn(count, samples, channels, generator=draw)
    return Rows(
        {
            "inputs": {name: each[part] for name, each in inputs.items()},
            "valid": {},
            "labels": labels[part],
            "recordings": part,
        }
        for part in torch.split(torch.arange(count), chunk)
    )


def solved(seed: int, rows: Rows) -> Rocket:
    model = Rocket(SHAPES, CLASSES, RocketParams(features=168)).eval()
    model.solve(rows, seed)
    return model


def test_series_of_each_length_are_transformed_together_and_classified() -> None:
    model = solved(0, recordings(60, 60))
    assert [each.channels for each in model.transforms] == [5, 1]  # type: ignore[union-attr]
    assert model.head.weight.shape[1] == 2 * 168
    (fresh,) = recordings(100, 100, seed=1)
    output = model(fresh["inputs"], {})
    assert list(output["streams"]) == ["wrist+hip+chest/rocket"]
    assert float((output["logits"].argmax(1) == fresh["labels"]).float().mean()) > 0.95
    torch.testing.assert_close(output["logits"].exp().sum(1), torch.ones(100))


def test_the_seed_decides_and_chunks_do_not() -> None:
    (fresh,) = recordings(20, 20, seed=1)
    first, again, other = (
        solved(seed, recordings(40, chunk))(fresh["inputs"], {})["logits"]
        for seed, chunk in ((0, 40), (0, 11), (1, 40))
    )
    torch.testing.assert_close(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


def test_an_absent_modality_is_one_whose_series_is_zero() -> None:
    model = solved(0, recordings(40, 40))
    (fresh,) = recordings(10, 10, seed=1)
    absent = model(fresh["inputs"], {"hip": torch.zeros(10, 1, dtype=torch.bool)})["logits"]
    zero = model({**fresh["inputs"], "hip": torch.zeros(10, 30, 2)}, {})["logits"]
    torch.testing.assert_close(absent, zero)
