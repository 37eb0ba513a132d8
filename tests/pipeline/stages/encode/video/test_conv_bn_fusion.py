"""Folding batch normalisations changes nothing but the number of passes."""

from __future__ import annotations

import copy

import pytest
import torch
import torchvision
from torch import Tensor, nn

from pipeline.stages.encode.video.conv_bn_fusion import fuse_conv_bn


def trained(network: nn.Module) -> nn.Module:
    """Give normalisations statistics, as training would."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low in ((module.running_mean, -0.2), (module.running_var, 0.5), (module.weight, 0.5)):
                assert values is not None
                with torch.no_grad():
                    values.copy_(low + torch.rand(values.shape, generator=generator))
    return network.eval().requires_grad_(False)


def images(seed: int) -> Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("model", "left"),
    [("resnet18", 0), ("mobilenet_v2", 0), ("densenet121", 62), ("shufflenet_v2_x0_5", 0), ("vgg11", 0)],
)
def test_a_folded_network_computes_the_same(model: str, left: int) -> None:
    whole = trained(torchvision.models.get_model(model, weights=None))
    folded = copy.deepcopy(whole)
    fuse_conv_bn(folded, images(0))
    torch.testing.assert_close(folded(images(1)), whole(images(1)), rtol=1e-3, atol=1e-5)
    norms = [module for module in folded.modules() if isinstance(module, nn.BatchNorm2d)]
    assert sum("forward" not in vars(norm) for norm in norms) == left  # DenseNet's others stand before convolutions


def test_a_convolution_whose_output_is_read_twice_is_left_as_it_is() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

        def forward(self, images: Tensor) -> Tensor:
            maps = self.conv(images)
            found: Tensor = (self.norm(maps) + maps).mean((2, 3))
            return found

    whole = trained(Branching())
    folded = copy.deepcopy(whole)
    fuse_conv_bn(folded, images(0))
    assert torch.equal(folded(images(1)), whole(images(1)))
