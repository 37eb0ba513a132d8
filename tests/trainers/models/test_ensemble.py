"""Models that vote as one: hand-worked votes, absent modalities, and weights of nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainers.data.standardise import Standardised, Standardiser
from trainers.models.ensemble.model import Ensemble
from trainers.models.ensemble.params import Rule


class Says(nn.Module):
    """Gives the same probabilities to every recording."""

    embedding_width = 2

    def __init__(self, streams: Mapping[str, list[float]]) -> None:
        super().__init__()
        self.said = {name: torch.tensor(values).log() for name, values in streams.items()}

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> Any:
        count = len(next(iter(inputs.values())))
        streams = {name: logs.expand(count, -1) for name, logs in self.said.items()}
        return {
            "logits": next(iter(streams.values())),
            "embedding": torch.zeros(count, 2),
            "streams": streams,
            "maps": (),
        }


def votes(rule: Rule, weights: Mapping[str, float] | None = None, absent: bool = False) -> list[float]:
    """A sure voice of `a` against a doubtful one of `b`, whose modality may be absent."""
    said = {"one": {"a/x": [0.8, 0.1, 0.1]}, "two": {"b/x": [0.1, 0.5, 0.4]}}
    shapes = {"one": {"a": (1, 1)}, "two": {"b": (1, 1)}}
    members = {name: Standardised(Says(streams), Standardiser(shapes[name])) for name, streams in said.items()}
    model = Ensemble(members, {"one": ("a",), "two": ("b",)}, rule, weights or {})
    inputs = {name: torch.zeros(1, 1, 1) for name in "ab"}
    logits: Tensor = model(inputs, {"b": torch.tensor([[not absent]])})["logits"]
    return logits.exp()[0].tolist()


def test_the_sum_is_the_mean_of_probabilities() -> None:
    assert votes("sum") == pytest.approx([0.45, 0.3, 0.25])
    assert votes("sum", {"b": 3}) == pytest.approx([(0.8 + 0.3) / 4, (0.1 + 1.5) / 4, (0.1 + 1.2) / 4])


def test_the_product_is_the_geometric_mean_that_adds_up_to_one() -> None:
    roots = [math.sqrt(0.08), math.sqrt(0.05), math.sqrt(0.04)]
    assert votes("product") == pytest.approx([root / sum(roots) for root in roots])
    powers = [0.8**0.25 * 0.1**0.75, 0.1**0.25 * 0.5**0.75, 0.1**0.25 * 0.4**0.75]
    assert votes("product", {"b": 3}) == pytest.approx([power / sum(powers) for power in powers])


@pytest.mark.parametrize("rule", ["sum", "product"])
def test_an_absent_modality_has_no_vote(rule: Rule) -> None:
    assert votes(rule, absent=True) == pytest.approx([0.8, 0.1, 0.1])
    assert votes(rule, {"a": 0}, absent=True) == pytest.approx([0.8, 0.1, 0.1])  # else nothing would count


@pytest.mark.parametrize("rule", ["sum", "product"])
def test_a_weight_of_zero_is_no_vote(rule: Rule) -> None:
    assert votes(rule, {"b": 0}) == pytest.approx([0.8, 0.1, 0.1])


@pytest.mark.parametrize("rule", ["sum", "product"])
def test_what_several_say_of_one_stream_is_one_stream_that_counts_for_all_of_them(rule: Rule) -> None:
    said = {"one": {"a/x": [0.8, 0.1, 0.1]}, "two": {"a/x": [0.2, 0.7, 0.1]}, "three": {"a/y": [0.1, 0.1, 0.8]}}
    members = {name: Standardised(Says(streams), Standardiser({"a": (1, 1)})) for name, streams in said.items()}
    output = Ensemble(members, dict.fromkeys(members, ("a",)), rule, {})({"a": torch.zeros(1, 1, 1)}, {})
    joined, alone = torch.tensor([0.8, 0.1, 0.1]), torch.tensor([0.2, 0.7, 0.1])
    last = torch.tensor([0.1, 0.1, 0.8])
    assert list(output["streams"]) == ["a/x", "a/y"]
    if rule == "sum":
        stream, voted = (joined + alone) / 2, (joined + alone + last) / 3
    else:
        stream, voted = (joined * alone).sqrt(), (joined * alone * last) ** (1 / 3)
    torch.testing.assert_close(output["streams"]["a/x"].softmax(-1)[0], stream / stream.sum())
    torch.testing.assert_close(output["logits"].exp()[0], voted / voted.sum())


@pytest.mark.parametrize("name", ["train", "values", "a.b"])
def test_a_member_may_have_any_name(name: str) -> None:
    member = Standardised(Says({"a/x": [0.8, 0.1, 0.1]}), Standardiser({"a": (1, 1)}))
    output = Ensemble({name: member}, {name: ("a",)}, "sum", {})({"a": torch.zeros(1, 1, 1)}, {})
    torch.testing.assert_close(output["logits"].exp()[0], torch.tensor([0.8, 0.1, 0.1]))
