"""HAMLET: attention held against torch's own, the merge by hand, and what masks leave out."""

from __future__ import annotations

import math
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from trainers.models.hamlet.attention import SelfAttention
from trainers.models.hamlet.model import Hamlet, MultimodalAttention
from trainers.models.hamlet.params import HamletParams

SHAPES = {"skeleton": (6, 18), "inertial": (9, 12), "rgb": (5, 16)}
Merge = Literal["sum", "concat"]
BOTH: tuple[Merge, ...] = ("sum", "concat")


def hamlet(names: tuple[str, ...] = tuple(SHAPES), **changes: object) -> Hamlet:
    torch.manual_seed(0)
    params = HamletParams(**{"width": 8, "heads": 2, **changes})  # type: ignore[arg-type]
    return Hamlet({name: SHAPES[name] for name in names}, 5, params).eval()


def patches(rows: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(rows, *shape, generator=generator) for name, shape in SHAPES.items()}


def torchs(mine: SelfAttention) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(mine.out.in_features, mine.heads, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": mine.qkv.weight,
            "in_proj_bias": mine.qkv.bias,
            "out_proj.weight": mine.out.weight,
            "out_proj.bias": mine.out.bias,
        }
    )
    return theirs


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_torchs(masked: bool) -> None:
    torch.manual_seed(0)
    mine, tokens = SelfAttention(8, 2), torch.randn(3, 6, 8)
    mask = torch.rand(3, 6) < 0.6 if masked else None
    ignored = None if mask is None else ~mask
    expected, _ = torchs(mine)(tokens, tokens, tokens, key_padding_mask=ignored, need_weights=False)
    torch.testing.assert_close(mine(tokens, mask), expected)


@pytest.mark.parametrize("merge", BOTH)
def test_modalities_are_fused_as_the_authors_code_fuses_them(merge: Merge) -> None:
    """Batch norm, ReLU, attention, batch norm, ReLU, and the sum or one beside the other; by torch's modules."""
    torch.manual_seed(0)
    fuse = MultimodalAttention(3, HamletParams(width=8, heads=2, merge=merge, dropout=0.0)).train()
    encoded = torch.randn(4, 3, 8)

    def normed(rows: Tensor) -> Tensor:  # each modality over recordings and features
        mean, deviation = rows.mean((0, 2), keepdim=True), rows.var((0, 2), correction=0, keepdim=True)
        return (rows - mean) / (deviation + 1e-5).sqrt()

    tokens = normed(encoded).relu()
    attended, _ = torchs(fuse.attend)(tokens, tokens, tokens, need_weights=False)
    said = normed(attended).relu()
    expected = said[:, 0] + said[:, 1] + said[:, 2] if merge == "sum" else torch.cat([*said.unbind(1)], -1)
    torch.testing.assert_close(fuse(encoded), expected)


def test_a_modalitys_encoder_by_torchs_modules() -> None:
    model, inputs = hamlet(("skeleton",)), patches()["skeleton"]
    encoder = model.encode["skeleton"]
    theirs = nn.LSTM(8, 8, num_layers=2, batch_first=True)
    with torch.no_grad():
        for number, layer in enumerate(encoder.layers):
            getattr(theirs, f"weight_ih_l{number}").copy_(layer.inputs[0].weight)
            getattr(theirs, f"bias_ih_l{number}").copy_(layer.inputs[0].bias)
            getattr(theirs, f"weight_hh_l{number}").copy_(layer.states[0].weight)
            getattr(theirs, f"bias_hh_l{number}").zero_()
    hidden, _ = theirs(encoder.embed(inputs).relu())
    attended, _ = torchs(encoder.attend)(hidden, hidden, hidden, need_weights=False)
    torch.testing.assert_close(encoder(inputs), attended.sum(1).relu())


@pytest.mark.parametrize("merge", BOTH)
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("names", [("inertial",), ("skeleton", "inertial"), tuple(SHAPES)])
def test_outputs(names: tuple[str, ...], rows: int, merge: Merge) -> None:
    for training in (False, True):
        model = hamlet(names, merge=merge).train(training)
        output = model({name: patches(rows)[name] for name in names}, {})
        stream = f"{'+'.join(names)}/hamlet"
        assert {*output["streams"]} == {stream}
        torch.testing.assert_close(output["logits"], output["streams"][stream].log_softmax(-1))
        assert output["logits"].shape == (rows, 5)
        width = 4 * (len(names) if merge == "concat" else 1)
        assert output["embedding"].shape == (rows, model.embedding_width) == (rows, width)


@pytest.mark.parametrize("merge", BOTH)
def test_missing_patches_change_nothing_whatever_they_hold_and_in_whatever_order(merge: Merge) -> None:
    model, inputs = hamlet(merge=merge), patches()
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
    model, inputs = hamlet(), patches()
    valid = {"inertial": (torch.arange(9) < 6).expand(3, 9)}
    shorter = model({**inputs, "inertial": inputs["inertial"][:, :6]}, {})
    torch.testing.assert_close(model(inputs, valid)["logits"], shorter["logits"])


@pytest.mark.parametrize("merge", BOTH)
def test_an_absent_modality_has_no_say(merge: Merge) -> None:
    model, inputs = hamlet(merge=merge), patches()
    valid = {"rgb": torch.zeros(3, 5, dtype=torch.bool)}
    found = model(inputs, valid)["logits"]
    assert torch.equal(found, model({**inputs, "rgb": torch.full((3, 5, 16), math.nan)}, valid)["logits"])
    seen: list[Tensor] = []
    model.embed.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(inputs, valid)
    # what is fused of the other two is what these two alone are fused to
    pair = MultimodalAttention(2, HamletParams(width=8, heads=2, merge=merge)).eval()
    pair.attend.load_state_dict(model.fuse.attend.state_dict())
    two = torch.stack([model.encode[name](inputs[name]) for name in ("skeleton", "inertial")], dim=1)
    torch.testing.assert_close(seen[0][:, :16], pair(two))
    assert not seen[0][:, 16:].any()
    nothing = model(inputs, {name: torch.zeros(3, shape[0], dtype=torch.bool) for name, shape in SHAPES.items()})
    assert bool(nothing["logits"].isfinite().all())


def test_each_modality_attends_to_the_others() -> None:
    """Concatenated, what stands in one modality's place moves with another's values."""
    model, changed = hamlet(merge="concat"), {**patches(), "rgb": patches()["rgb"] + 1}
    seen: list[Tensor] = []
    model.embed.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    for inputs in (patches(), changed):
        model(inputs, {})
    assert not torch.allclose(seen[0][:, :8], seen[1][:, :8])


@pytest.mark.parametrize("merge", BOTH)
def test_gradients_reach_every_parameter(merge: Merge) -> None:
    model = hamlet(merge=merge, width=32).train()
    valid = {"rgb": torch.ones(16, 5, dtype=torch.bool)}
    valid["rgb"][:8] = False
    torch.autograd.backward(nn.functional.nll_loss(model(patches(16), valid)["logits"], torch.arange(16) % 5))
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []
    assert all(bool(weight.grad.isfinite().all()) for weight in model.parameters() if weight.grad is not None)


def test_dropout_draws_in_training_alone() -> None:
    model = hamlet(dropout=0.5)
    inputs = patches()
    assert torch.equal(model(inputs, {})["logits"], model(inputs, {})["logits"])
    model.train()
    assert not torch.equal(model(inputs, {})["logits"], model(inputs, {})["logits"])


def test_the_size_is_that_of_the_formula_and_about_that_of_dmft() -> None:
    model = Hamlet({"skeleton": (20, 120), "inertial": (20, 12)}, 27, HamletParams())
    attention = (64 + 1) * 3 * 64 + (64 + 1) * 64
    encoders = sum((features + 1) * 64 + 2 * 4 * 64 * (64 + 64 + 1) + attention for features in (120, 12))
    size = sum(weight.numel() for weight in model.parameters())
    assert size == encoders + attention + 2 * 2 * 2 + (64 + 1) * 32 + (32 + 1) * 27
    assert 0.15e6 < size < 0.3e6


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="heads: 3 does not divide the width 8; choose of 1, 2, 4, 8"):
        HamletParams(width=8, heads=3)
