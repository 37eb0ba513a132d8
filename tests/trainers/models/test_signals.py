"""Signals drawn into an image, pixel by pixel, and the network that looks at it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from trainers.models.signals.drawing import colours, draw
from trainers.models.signals.model import GimmeSignals
from trainers.models.signals.params import SignalsParams

SHAPES = {"skeleton:series": (21, 9), "inertial:series": (40, 6)}
SMALL = SignalsParams(network="resnet18", size=32, dropout=0.0)


def series(rows: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(rows, *shape, generator=generator).cumsum(1) for name, shape in SHAPES.items()}


def gimme(params: SignalsParams = SMALL) -> GimmeSignals:
    torch.manual_seed(0)
    return GimmeSignals(SHAPES, 5, params).eval()


def black(count: int) -> Tensor:
    return torch.zeros(count, 3)


def test_a_rising_line_by_hand() -> None:
    """From the bottom row's middle to the top row's: rows 3, 2.25, 1.5, 0.75, 0 at the borders of four columns."""
    image = draw([torch.tensor([[[0.0], [1.0]]])], [None], black(1), 4)[0]
    ink = [
        [0.0, 0.0, 0.25, 1.0],  # rows from the top; a line is a pixel high: columns cover 1.75 to 3.5, 1 to 2.75,
        [0.0, 0.5, 1.0, 0.75],  # 0.25 to 2 and -0.5 to 1.25
        [0.75, 1.0, 0.5, 0.0],
        [1.0, 0.25, 0.0, 0.0],
    ]
    torch.testing.assert_close(image, 1 - torch.tensor(ink).expand(3, 4, 4))


@pytest.mark.parametrize("length", [2, 7, 40])
def test_any_line_by_numpy(length: int) -> None:
    values = np.random.default_rng(length).normal(size=length)
    (image,) = draw([torch.tensor(values, dtype=torch.float32).view(1, -1, 1)], [None], black(1), 16)
    at = np.interp(np.linspace(0, length - 1, 17), np.arange(length), values)
    rows = (at.max() - at) / np.ptp(at) * 15
    fine = np.arange(-500, 16_500) / 1000 + 0.0005  # a thousand places in each row, and half a row around
    expected = np.zeros((16, 16))
    for column, (left, right) in enumerate(pairwise(rows)):
        inked = (fine > min(left, right) - 0.5) & (fine < max(left, right) + 0.5)
        expected[:, column] = inked[: 16 * 1000].reshape(16, 1000).mean(1)
    np.testing.assert_allclose(1 - image[0].numpy(), expected, atol=3e-3)


def test_axes_of_a_triad_are_half_a_unit_apart_whatever_their_means() -> None:
    still = torch.tensor([7.0, -3.0, 0.0]).expand(1, 5, 3)
    colour = torch.eye(3)
    image = draw([still], [None], colour, 5)[0]  # of z, y and x from the top: rows 0, 2 and 4
    for row, axis in ((0, 2), (2, 1), (4, 0)):
        torch.testing.assert_close(image[:, row], colour[axis].unsqueeze(1).expand(3, 5))
    assert torch.equal(image[:, [1, 3]], torch.ones(3, 2, 5))


def test_later_lines_lie_over_earlier_ones() -> None:
    wave = torch.sin(torch.arange(20.0)).view(1, 20, 1)
    colour = torch.eye(3)[:2]
    both = draw([wave, wave], [None, None], colour, 16)
    first, second = (draw([wave], [None], each.unsqueeze(0), 16) for each in colour)
    inked = (first[:, 1] == 0).unsqueeze(1)  # wholly
    assert torch.equal(both[inked.expand_as(both)], second[inked.expand_as(both)])


def test_each_recording_fills_its_image() -> None:
    given = [*series().values()]
    together = draw(given, [None, None], colours(15), 24)
    scaled = [each * torch.tensor([1.0, 5.0, 0.1]).view(3, 1, 1) for each in given]
    for row in range(3):
        alone = draw([each[row : row + 1] for each in given], [None, None], colours(15), 24)
        torch.testing.assert_close(alone, together[row : row + 1], rtol=1e-4, atol=1e-4)
    for image in (*together, *draw(scaled, [None, None], colours(15), 24)):
        drawn = (image < 1).any(0).any(1)
        assert bool(drawn[0])
        assert bool(drawn[-1])


def test_an_absent_modality_is_not_drawn() -> None:
    given, colour = series(), colours(15)
    skeleton, inertial = given.values()
    there = torch.tensor([True, False, False])
    image = draw([skeleton, inertial], [None, there], colour, 24)
    alone = draw([skeleton], [None], colour[:9], 24)
    torch.testing.assert_close(image[1:], alone[1:])
    assert not torch.allclose(image[0], alone[0])
    nothing = draw([skeleton, inertial], [~there, there], colour, 24)
    assert not torch.allclose(nothing[0], image[0])
    blank = draw([skeleton], [torch.zeros(3, dtype=torch.bool)], colour[:9], 24)
    assert torch.equal(blank, torch.ones(3, 3, 24, 24))


def test_a_still_recording_is_a_line() -> None:
    image = draw([torch.zeros(1, 4, 1)], [None], black(1), 8)
    assert torch.equal((image[0] < 1).any(0).any(1), torch.arange(8) < 1)
    assert bool(image.isfinite().all())


def test_colours_are_all_different() -> None:
    for count in (1, 2, 9, 15, 66):
        found = colours(count)
        assert found.shape == (count, 3)
        assert len({tuple(each) for each in found.tolist()}) == count
        assert bool(((found >= 0) & (found <= 1)).all())


@pytest.mark.parametrize("rows", [1, 3])
def test_outputs(rows: int) -> None:
    model = gimme()
    output = model(series(rows), {})
    assert {*output["streams"]} == {"skeleton:series+inertial:series/signals"}
    (logits,) = output["streams"].values()
    torch.testing.assert_close(output["logits"], logits.log_softmax(-1))
    assert output["logits"].shape == (rows, 5)
    assert output["embedding"].shape == (rows, model.embedding_width) == (rows, 512)
    assert output["maps"][0].shape == (rows, 512, 1, 1)


def test_time_runs_along_the_height_of_the_map() -> None:
    """As losses that compare maps want it; in the image it runs to the right."""
    model, inputs = gimme(), series()
    model.body, model.classify = nn.AvgPool2d(8), nn.Linear(3, 5)  # a network that can be followed
    (found,) = model(inputs, {})["maps"]
    image = draw([*inputs.values()], [None, None], colours(15), 32)
    torch.testing.assert_close(found, nn.functional.avg_pool2d(image, 8).transpose(2, 3))
    assert not torch.allclose(found, found.transpose(2, 3))


def test_an_absent_modality_has_no_say() -> None:
    model, inputs = gimme(), series()
    valid = {"inertial:series": torch.tensor([[False], [False], [True]])}
    found = model(inputs, valid)["logits"]
    lost = inputs["inertial:series"].clone()
    lost[:2] = math.nan
    assert torch.equal(found, model({**inputs, "inertial:series": lost}, valid)["logits"])
    torch.testing.assert_close(found[2], model(inputs, {})["logits"][2])
    assert not torch.allclose(found[0], model(inputs, {})["logits"][0])


def test_gradients_reach_every_parameter() -> None:
    model = gimme(SignalsParams(size=32, dropout=0.0)).train()
    torch.autograd.backward(nn.functional.nll_loss(model(series(8), {})["logits"], torch.arange(8) % 5))
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_evaluation_is_deterministic_and_training_follows_torchs_seed() -> None:
    model, inputs = gimme(SignalsParams(size=32)), series()
    assert torch.equal(model(inputs, {})["logits"], model(inputs, {})["logits"])
    model.train()
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(model(inputs, {})["logits"])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("network", ["efficientnet_b2", "resnet18"])
def test_the_network_is_torchvisions_but_for_its_head(network: str) -> None:
    with torch.device("meta"):
        model = GimmeSignals(SHAPES, 27, SignalsParams(network=network))  # type: ignore[arg-type]
        theirs = torchvision.models.get_model(network, weights=None)
    wide, head = (1408, 1_409_000) if network == "efficientnet_b2" else (512, 513_000)
    size, theirs_size = (sum(weight.numel() for weight in each.parameters()) for each in (model, theirs))
    assert theirs_size == {"efficientnet_b2": 9_109_994, "resnet18": 11_689_512}[network]  # torchvision's documentation
    assert size == theirs_size - head + (wide + 1) * 27
