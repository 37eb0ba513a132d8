"""Weights are taken by name and shape, all but those of heads, or none of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainers.errors import TrainingError
from trainers.fit.weights.initial import check_channels, head_names, take_weights


def network(classes: int, width: int = 3) -> nn.Module:
    return nn.ModuleDict({
        "body": nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width)),
        "head": nn.Linear(width, classes),
        "other": nn.Linear(width, classes, bias=False),
    })  # fmt: skip


def test_heads_are_what_has_a_size_by_classes() -> None:
    assert head_names(network, 5) == {"head.weight", "head.bias", "other.weight"}


def test_all_is_taken_with_statistics_and_heads_stay_new_where_asked() -> None:
    torch.manual_seed(0)
    stored, same, anew = network(3), network(3), network(2)
    stored.body(torch.randn(8, 4))  # moves the running statistics
    take_weights(same, stored.state_dict())
    for name, tensor in same.state_dict().items():
        assert torch.equal(tensor, stored.state_dict()[name])
    heads = {name: tensor.clone() for name, tensor in anew.state_dict().items() if not name.startswith("body")}
    take_weights(anew, stored.state_dict(), head_names(network, 2))
    found = anew.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in heads.items())
    assert all(torch.equal(found[name], stored.state_dict()[name]) for name in found.keys() - heads.keys())


def test_one_that_is_missing_or_has_another_shape_is_named_and_nothing_is_taken() -> None:
    model, wide = network(3), network(3, width=7)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(TrainingError, match=r"has weights body.0.weight of the shape \(7, 4\), not \(3, 4\)"):
        take_weights(model, wide.state_dict())
    lacking = {name: torch.ones_like(tensor) for name, tensor in before.items() if name != "other.weight"}
    with pytest.raises(TrainingError, match=r"has no weights other\.weight"):
        take_weights(model, lacking)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_inputs_with_other_channels_are_named() -> None:
    check_channels({"wrist": (20, 12)}, {"watch": (10, 12)})  # how many patches there are is the weights' affair
    check_channels({"wrist:images": (2, 32, 32)}, {"wrist:images": (2, 64, 64)})
    with pytest.raises(TrainingError, match=r"input wrist has 6 channels, and watch of the model .* has 12"):
        check_channels({"wrist": (20, 6)}, {"watch": (20, 12)})
    with pytest.raises(TrainingError, match="sees wrist, hip, and the one that it should begin with wrist"):
        check_channels({"wrist": (20, 6), "hip": (20, 6)}, {"wrist": (20, 6)})
