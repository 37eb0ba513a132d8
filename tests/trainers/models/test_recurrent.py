"""The LSTM that passes over missing patches, held against torch's own, and weights over what is there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainers.models.recurrent.lstm import LSTM
from trainers.models.recurrent.presence import counted, masked_softmax, present_modalities


def made(both: bool) -> LSTM:
    torch.manual_seed(0)
    return LSTM(3, 5, both=both)


def torchs(mine: LSTM) -> nn.LSTM:
    """torch's own LSTM with the same weights; the second of its two biases is zero."""
    theirs = nn.LSTM(3, 5, batch_first=True, bidirectional=len(mine.inputs) == 2)
    with torch.no_grad():
        for end, project, recur in zip(("", "_reverse"), mine.inputs, mine.states, strict=False):
            getattr(theirs, f"weight_ih_l0{end}").copy_(project.weight)
            getattr(theirs, f"bias_ih_l0{end}").copy_(project.bias)
            getattr(theirs, f"weight_hh_l0{end}").copy_(recur.weight)
            getattr(theirs, f"bias_hh_l0{end}").zero_()
    return theirs


def tokens(rows: int = 4, count: int = 7) -> Tensor:
    return torch.randn(rows, count, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("count", [1, 7])
def test_it_is_torchs(both: bool, count: int) -> None:
    mine = made(both)
    mine_in, their_in = (tokens(count=count).requires_grad_() for _ in range(2))
    expected, found = torchs(mine)(their_in)[0], mine(mine_in)
    assert found.shape == (4, count, mine.width)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(mine_in.grad, their_in.grad)


@pytest.mark.parametrize("both", [False, True])
@given(gaps=st.lists(st.booleans(), min_size=7, max_size=7).filter(any))
@settings(max_examples=20, deadline=None)
def test_a_missing_patch_is_as_if_it_were_not_there(both: bool, gaps: list[bool]) -> None:
    """Wherever it is, and whatever it holds: hidden states are torch's of the patches that are left."""
    mine, given, mask = made(both), tokens(), torch.tensor(gaps).expand(4, 7)
    holes = given.masked_fill(~mask.unsqueeze(-1), torch.nan)
    torch.testing.assert_close(mine(holes, mask)[:, gaps], torchs(mine)(given[:, gaps])[0])


def test_nothing_there_is_no_state() -> None:
    assert torch.equal(made(True)(tokens(), torch.zeros(4, 7, dtype=torch.bool)), torch.zeros(4, 7, 10))


def test_weights_are_drawn_as_torch_draws_them() -> None:
    torch.manual_seed(0)
    for weight in LSTM(40, 64, both=True).parameters():
        assert weight.abs().max() <= 1 / 8
        assert float(weight.detach().std()) == pytest.approx(1 / 8 / np.sqrt(3), rel=0.1)


def test_weights_over_what_is_there_are_numpys_softmax() -> None:
    scores = torch.tensor([[1.0, 2.0, 300.0], [0.5, -1.0, 3.0]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    first = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
    second = np.exp([0.5, -1.0, 3.0]) / np.exp([0.5, -1.0, 3.0]).sum()
    expected = torch.tensor(np.stack([[*first, 0.0], second]), dtype=torch.float32)
    torch.testing.assert_close(masked_softmax(scores, mask), expected)
    torch.testing.assert_close(masked_softmax(scores, None), scores.softmax(-1))


def test_rows_with_nothing_count_throughout() -> None:
    mask = torch.tensor([[True, False], [False, False]])
    assert counted(mask).tolist() == [[True, False], [True, True]]


def test_a_modality_is_there_where_it_has_a_patch() -> None:
    inputs = {"a": torch.zeros(2, 3, 1), "b": torch.zeros(2, 2, 1)}
    valid = {"b": torch.tensor([[False, True], [False, False]])}
    assert present_modalities(inputs, valid, ["a", "b"]).tolist() == [[True, True], [True, False]]
