"""The encoder layer, against torch's own with the same weights."""

import pytest
import torch
from torch import nn

from trainers.errors import TrainingError
from trainers.models.dmft.encoder import EncoderLayer
from trainers.models.dmft.params import Norm, StudentParams
from trainers.models.dropout import byte_dropout


def twins(norm: Norm) -> tuple[EncoderLayer, nn.TransformerEncoderLayer]:
    torch.manual_seed(0)
    ours = EncoderLayer(12, StudentParams(heads=3, feed_forward=20, dropout=0.0, norm=norm), "x/temporal")
    theirs = nn.TransformerEncoderLayer(12, 3, 20, 0.0, batch_first=True, norm_first=norm == "pre")
    names = {
        "self_attn.in_proj_weight": "qkv.weight",
        "self_attn.in_proj_bias": "qkv.bias",
        "self_attn.out_proj.weight": "out.weight",
        "self_attn.out_proj.bias": "out.bias",
        "linear1.weight": "expand.weight",
        "linear1.bias": "expand.bias",
        "linear2.weight": "contract.weight",
        "linear2.bias": "contract.bias",
        "norm1.weight": "norm_attention.weight",
        "norm1.bias": "norm_attention.bias",
        "norm2.weight": "norm_feed.weight",
        "norm2.bias": "norm_feed.bias",
    }
    state = ours.state_dict()
    theirs.load_state_dict({their: state[our] for their, our in names.items()})
    assert len(state) == len(names)
    return ours, theirs


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("masked", [False, True])
def test_it_computes_what_torchs_encoder_layer_does(norm: Norm, masked: bool) -> None:
    ours, theirs = twins(norm)
    tokens = torch.randn(4, 7, 12)
    valid = torch.ones(4, 7, dtype=torch.bool)
    valid[1, 4:] = False
    keep = valid[:, None, None] if masked else None
    padding = ~valid if masked else None
    torch.testing.assert_close(ours(tokens, keep), theirs(tokens, src_key_padding_mask=padding))


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_first_outputs_alone_are_the_first_of_all(norm: Norm) -> None:
    ours, _ = twins(norm)
    tokens = torch.randn(4, 7, 12)
    keep = (torch.rand(4, 1, 1, 7) > 0.3) | (torch.arange(7) == 0)
    for mask in (None, keep):
        torch.testing.assert_close(ours(tokens, mask, 2), ours(tokens, mask)[:, :2])


def test_dropout_works_in_training_only() -> None:
    layer = EncoderLayer(12, StudentParams(heads=3, feed_forward=20, dropout=0.5), "x/temporal")
    tokens = torch.randn(2, 5, 12)
    assert not torch.equal(layer(tokens), layer(tokens))
    layer.eval()
    assert torch.equal(layer(tokens), layer(tokens))


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    values = torch.full((101, 1003), 2.0, requires_grad=True)
    torch.manual_seed(0)
    made = byte_dropout(values, 0.25)
    assert sorted(set(made.flatten().tolist())) == pytest.approx([0.0, 2 / 0.75])
    assert (made == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    (gradient,) = torch.autograd.grad(made.sum(), values)
    torch.testing.assert_close(gradient, made.detach() / 2)


def test_heads_that_do_not_divide_the_width_name_stream_and_remedy() -> None:
    with pytest.raises(TrainingError, match=r"heads: 4 does not divide the width 270 of inertial/temporal.*\[1, 2, 3"):
        EncoderLayer(270, StudentParams(heads=4), "inertial/temporal")
