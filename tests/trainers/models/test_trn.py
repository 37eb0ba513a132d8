"""The temporal relation network: its relations, which of them are summed, and sums worked by hand."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from trainers.errors import TrainingError
from trainers.models.trn.model import TRN, even_stretches
from trainers.models.trn.params import TRNParams
from trainers.models.trn.relations import ScaleRelations, ordered_subsets, spread

SHAPE = (8, 6)  # P, D


def trn(shape: tuple[int, int] = SHAPE, classes: int = 4, **changes: object) -> TRN:
    torch.manual_seed(0)
    small = {"width": 5, "relation": 7, **changes}
    return TRN({"rgb": shape}, classes, TRNParams(**small))  # type: ignore[arg-type]


def patches(rows: int = 3, shape: tuple[int, int] = SHAPE) -> Tensor:
    return torch.randn(rows, *shape, generator=torch.Generator().manual_seed(1))


def set_linear(layer: nn.Module, weight: list[list[float]], bias: list[float]) -> None:
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))


@pytest.mark.parametrize("training", [False, True])
def test_three_segments_by_hand(training: bool) -> None:
    model = trn((3, 1), classes=2, segments=3, width=1, relation=1, dropout=0.0).train(training)
    three, two = (scale.relate for scale in model.relations.scales)
    set_linear(model.project[1], [[2.0]], [0.0])
    set_linear(three[1], [[1.0, 10.0, 100.0]], [1.0])
    set_linear(three[3], [[1.0], [-1.0]], [0.0, 5.0])
    set_linear(two[1], [[1.0, 10.0]], [-15.0])
    set_linear(two[3], [[2.0], [1.0]], [1.0, 0.0])
    output = model({"rgb": torch.tensor([[[1.0], [-0.5], [2.0]]])}, {})
    # Projected (2, -1, 4), after the first ReLU (2, 0, 4).
    # Three frames: 2 + 0 + 400 + 1 = 403, so logits (403, 5 - 403).
    # Two frames: (1st, 2nd) 2 + 0 - 15, cut to 0; (1st, 3rd) 2 + 40 - 15 = 27; (2nd, 3rd) 0 + 40 - 15 = 25,
    # so logits (1, 0), (55, 27) and (51, 25).
    assert output["streams"]["rgb/trn"].tolist() == [[403 + 107, -398 + 52]]
    torch.testing.assert_close(output["logits"], torch.tensor([[0.0, -346.0 - 510.0]]))
    torch.testing.assert_close(output["embedding"], torch.tensor([[5 / 3]]))
    assert output["maps"][0].tolist() == [[[[2.0], [-1.0], [4.0]]]]


@given(st.integers(2, 9), st.data())
def test_every_relation_is_ordered_and_there_once(segments: int, data: st.DataObject) -> None:
    scale = data.draw(st.integers(2, segments))
    choices = [tuple(choice) for choice in ordered_subsets(segments, scale).tolist()]
    assert len(set(choices)) == len(choices) == math.comb(segments, scale)
    assert choices == sorted(choices)
    for choice in choices:
        assert all(a < b for a, b in pairwise((-1, *choice, segments)))


def test_eight_segments_have_247_relations_of_which_19_are_summed() -> None:
    scales = trn().relations.scales
    assert [len(scale.choices) for scale in scales] == [1, 8, 28, 56, 70, 56, 28]
    assert [scale.count for scale in scales] == [1, 3, 3, 3, 3, 3, 3]


@given(st.integers(1, 9), st.integers(0, 300))
def test_fixed_relations_are_spread_evenly(chosen: int, more: int) -> None:
    among = chosen + more
    found = spread(chosen, among).tolist()
    assert len(found) == chosen
    for part, position in enumerate(found):  # each lies in the middle of its part
        assert abs(position + 0.5 - (part + 0.5) * among / chosen) <= 0.5


def test_few_relations_are_all_taken() -> None:
    assert spread(3, 3).tolist() == [0, 1, 2]


def seen(relations: ScaleRelations) -> tuple[tuple[int, ...], ...]:
    """The relations of one forward pass: segments that are their own numbers tell which they are."""
    found: list[Tensor] = []
    hook = relations.relate.register_forward_pre_hook(lambda _, args: found.append(args[0]))
    relations(torch.arange(8.0).view(1, 8, 1))
    hook.remove()
    return tuple(tuple(int(number) for number in relation) for relation in found[0][0])


def test_training_draws_anew_and_reaches_every_relation_equally() -> None:
    relations = ScaleRelations(8, 7, width=1, hidden=2, classes=2, subsets=3).train()
    torch.manual_seed(0)
    draws = [seen(relations) for _ in range(800)]
    assert all(len(set(draw)) == 3 for draw in draws)
    counts = Counter(relation for draw in draws for relation in draw)
    assert len(counts) == 8
    assert all(abs(count - 300) < 5 * math.sqrt(800 * 3 / 8 * 5 / 8) for count in counts.values())
    torch.manual_seed(0)
    assert [seen(relations) for _ in range(5)] == draws[:5]


def test_evaluation_is_the_same_twice_and_leaves_the_generator_alone() -> None:
    model = trn().eval()
    inputs = {"rgb": patches()}
    state = torch.random.get_rng_state()
    assert torch.equal(model(inputs, {})["logits"], model(inputs, {})["logits"])
    assert torch.equal(torch.random.get_rng_state(), state)
    assert seen(ScaleRelations(8, 2, width=1, hidden=2, classes=2, subsets=3).eval()) == ((0, 5), (2, 4), (4, 6))


@pytest.mark.parametrize("many", [8, 11, 20])
def test_more_patches_are_averaged_within_even_stretches(many: int) -> None:
    stretches = even_stretches(many, 8)
    assert torch.equal(stretches.sum(0), torch.ones(many))  # every patch is in one
    lengths = stretches.sum(1)
    assert lengths.max() - lengths.min() <= 1
    assert torch.equal(stretches.argmax(0), stretches.argmax(0).sort().values)
    given = patches(shape=(many, 6))
    means = torch.stack([given[:, row.bool()].mean(1) for row in stretches], dim=1)
    torch.testing.assert_close(
        trn((many, 6)).eval()({"rgb": given}, {})["logits"], trn().eval()({"rgb": means}, {})["logits"]
    )


def test_missing_patches_do_not_count_whatever_they_hold() -> None:
    model = trn((16, 6)).eval()
    inputs = patches(2, (16, 6))
    valid = torch.ones(2, 16, dtype=torch.bool)
    valid[0, [1, 14, 15]] = False
    filled = inputs.clone()
    filled[0, 1] = filled[0, 0]  # a stretch's mean is its other patch
    filled[0, 14:] = 0.0  # a stretch without any is zero
    inputs[0, [1, 14, 15]] = torch.nan
    found = model({"rgb": inputs}, {"rgb": valid})
    torch.testing.assert_close(found["logits"], model({"rgb": filled}, {})["logits"])
    whole = {"rgb": torch.ones_like(valid)}
    torch.testing.assert_close(model({"rgb": filled}, whole)["logits"], model({"rgb": filled}, {})["logits"])


def test_outputs() -> None:
    model = trn()
    output = model({"rgb": patches()}, {})
    assert set(output["streams"]) == {"rgb/trn"}
    torch.testing.assert_close(output["logits"], output["streams"]["rgb/trn"].log_softmax(-1))
    assert output["embedding"].shape == (3, model.embedding_width) == (3, 5)
    (found,) = output["maps"]
    assert found.shape == (3, 5, 8, 1)
    torch.testing.assert_close(found.mean((2, 3)), output["embedding"])


def test_gradients_reach_every_parameter() -> None:
    model = trn(relation=32)
    model({"rgb": patches(16)}, {})["logits"][:, 0].sum().backward()
    assert all(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in model.parameters())


def test_the_size_is_that_of_the_formula() -> None:
    """A projection, and two linear layers a scale: with BN-Inception's 1024 features and 27 classes, 3.05 M."""
    with torch.device("meta"):
        model = TRN({"rgb": (8, 1024)}, 27, TRNParams())
    scales = sum((k * 300 + 1) * 256 + (256 + 1) * 27 for k in range(2, 9))
    assert sum(weights.numel() for weights in model.parameters()) == (1024 + 1) * 300 + scales == 3_045_865


def test_it_learns_order() -> None:
    """Two classes that hold the same patches in opposite order."""
    ramp = torch.linspace(-1, 1, 8).view(8, 1)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.stack([ramp, ramp.flip(0)]).repeat(16, 1, 1) + 0.1 * torch.randn(32, 8, 1, generator=generator)
    labels = torch.tensor([0, 1]).repeat(16)
    model = trn((8, 1), classes=2, width=8, relation=16, dropout=0.0)
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(30):
        optimiser.zero_grad()
        nn.functional.nll_loss(model({"rgb": inputs}, {})["logits"], labels).backward()
        optimiser.step()
    assert torch.equal(model.eval()({"rgb": inputs}, {})["logits"].argmax(-1), labels)


def test_several_modalities_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"one modality, not of 2 \(rgb, depth\); set modalities: \[rgb\]"):
        TRN({"rgb": (8, 4), "depth": (8, 4)}, 3, TRNParams())


def test_too_few_patches_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"rgb has 5 patches, fewer than 8 segments; lower segments, or"):
        trn((5, 6))
