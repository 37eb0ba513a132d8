"""Keyless attention: its weights by numpy, and what masks leave out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainers.models.keyless.model import Keyless, KeylessAttention
from trainers.models.keyless.params import KeylessParams

SHAPES = {"skeleton": (6, 18), "inertial": (9, 12), "rgb": (5, 16)}


def keyless(names: tuple[str, ...] = tuple(SHAPES), **changes: object) -> Keyless:
    torch.manual_seed(0)
    params = KeylessParams(**{"hidden": 4, **changes})  # type: ignore[arg-type]
    return Keyless({name: SHAPES[name] for name in names}, 5, params).eval()


def patches(rows: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(rows, *shape, generator=generator) for name, shape in SHAPES.items()}


def test_pooling_by_hand() -> None:
    attention = KeylessAttention(2)
    with torch.no_grad():
        attention.score.weight.copy_(torch.tensor([[2.0, -1.0]]))
    hidden = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    weights = np.exp([2.0, -1.0, 0.0]) / np.exp([2.0, -1.0, 0.0]).sum()
    expected = torch.tensor(weights @ hidden, dtype=torch.float32)[None]
    torch.testing.assert_close(attention(torch.tensor(hidden, dtype=torch.float32)[None]), expected)
    two = np.exp([2.0, 0.0]) / np.exp([2.0, 0.0]).sum()
    masked = attention(torch.tensor(hidden, dtype=torch.float32)[None], torch.tensor([[True, False, True]]))
    torch.testing.assert_close(masked, torch.tensor(two @ hidden[[0, 2]], dtype=torch.float32)[None])


def test_the_whole_is_torchs_lstm_numpys_attention_and_a_linear_layer() -> None:
    model, inputs = keyless(("skeleton",)), patches()["skeleton"]
    mine = model.encode["skeleton"]
    theirs = nn.LSTM(18, 4, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for end, project, recur in zip(("", "_reverse"), mine.inputs, mine.states, strict=True):
            getattr(theirs, f"weight_ih_l0{end}").copy_(project.weight)
            getattr(theirs, f"bias_ih_l0{end}").copy_(project.bias)
            getattr(theirs, f"weight_hh_l0{end}").copy_(recur.weight)
            getattr(theirs, f"bias_hh_l0{end}").zero_()
        hidden = theirs(inputs)[0].numpy()
        found = model({"skeleton": inputs}, {})
    scores = np.exp(hidden @ model.attend["skeleton"].score.weight.detach().numpy()[0])  # (B, P)
    weights = scores / scores.sum(1, keepdims=True)
    context = torch.tensor((weights[..., None] * hidden).sum(1))
    torch.testing.assert_close(found["embedding"], context)
    torch.testing.assert_close(found["streams"]["skeleton/keyless"], model.classify(context).detach())


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("names", [("inertial",), ("skeleton", "inertial"), tuple(SHAPES)])
def test_outputs(names: tuple[str, ...], rows: int) -> None:
    model = keyless(names)
    output = model({name: patches(rows)[name] for name in names}, {})
    stream = f"{'+'.join(names)}/keyless"
    assert {*output["streams"]} == {stream}
    assert output["logits"].shape == (rows, 5)
    torch.testing.assert_close(output["logits"], output["streams"][stream].log_softmax(-1))
    assert output["embedding"].shape == (rows, model.embedding_width) == (rows, 8 * len(names))


def test_missing_patches_change_nothing_whatever_they_hold_and_in_whatever_order() -> None:
    model, inputs = keyless(), patches()
    valid = {"inertial": torch.ones(3, 9, dtype=torch.bool)}
    valid["inertial"][0, [2, 5, 8]] = False
    expected = model(inputs, valid)["logits"]
    shuffled, filled = inputs["inertial"].clone(), inputs["inertial"].clone()
    shuffled[0, [2, 5, 8]] = shuffled[0, [8, 2, 5]]
    filled[0, [2, 5, 8]] = math.nan
    for other in (shuffled, filled):
        assert torch.equal(model({**inputs, "inertial": other}, valid)["logits"], expected)
    assert not torch.allclose(model(inputs, {})["logits"][0], expected[0])


def test_a_recording_that_ends_early_is_a_shorter_one() -> None:
    model, inputs = keyless(), patches()
    valid = {"inertial": (torch.arange(9) < 6).expand(3, 9)}
    shorter = model({**inputs, "inertial": inputs["inertial"][:, :6]}, {})
    torch.testing.assert_close(model(inputs, valid)["logits"], shorter["logits"])


def test_an_absent_modality_has_no_say() -> None:
    model, inputs = keyless(), patches()
    valid = {"rgb": torch.zeros(3, 5, dtype=torch.bool)}
    found = model(inputs, valid)
    other = model({**inputs, "rgb": torch.full((3, 5, 16), math.nan)}, valid)
    assert torch.equal(found["logits"], other["logits"])
    assert torch.equal(found["embedding"][:, 16:], torch.zeros(3, 8))
    assert torch.equal(found["embedding"][:, :16], model(inputs, {})["embedding"][:, :16])
    nothing = model(inputs, {name: torch.zeros(3, shape[0], dtype=torch.bool) for name, shape in SHAPES.items()})
    torch.testing.assert_close(nothing["logits"], model.classify.bias.log_softmax(-1).expand(3, 5))


def test_gradients_reach_every_parameter() -> None:
    model = keyless().train()
    valid = {"rgb": torch.ones(16, 5, dtype=torch.bool)}
    valid["rgb"][:8] = False
    torch.autograd.backward(nn.functional.nll_loss(model(patches(16), valid)["logits"], torch.arange(16) % 5))
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []
    assert all(bool(weight.grad.isfinite().all()) for weight in model.parameters() if weight.grad is not None)


def test_the_size_is_that_of_the_formula_and_about_that_of_dmft() -> None:
    model = Keyless({"skeleton": (20, 120), "inertial": (20, 12)}, 27, KeylessParams())
    size = sum(weight.numel() for weight in model.parameters())
    lstms = sum(2 * 4 * 96 * (features + 96 + 1) for features in (120, 12))
    assert size == lstms + 2 * 192 + (384 + 1) * 27
    assert 0.2e6 < size < 0.3e6
