"""BN-Inception: the published counts and shapes, features against a slow reading of the state, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from pipeline.errors import ConfigError
from pipeline.stages.encode.video.backbone import Backbone, build_backbone
from pipeline.stages.encode.video.bn_inception import BNInception
from pipeline.stages.encode.video.params import VideoParams
from pipeline.stages.encode.video.runtime import choice
from pipeline.stages.encode.video.weights import read_state


def build(weights: str = "none", file: Path | None = None, size: int = 64) -> Backbone:
    params = VideoParams(backbone="bn_inception", weights=weights, image_size=size)
    return build_backbone(params, file, torch.device("cpu"))


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A state whose batch normalisations are not the identity."""
    generator = torch.Generator().manual_seed(3)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        found = BNInception().state_dict()
    for name, value in found.items():
        if "_bn." in name and value.ndim == 1:
            shift = name.endswith(("bias", "running_mean"))
            noise = torch.rand(value.shape, generator=generator)
            found[name] = noise - 0.5 if shift else noise + 0.5
    return found


def as_caffe_ported(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rows for vectors in batch normalisations, and no counters."""
    kept = {name: value for name, value in state.items() if "num_batches_tracked" not in name}
    return {name: value[None] if "_bn." in name else value for name, value in kept.items()}


def slow_features(state: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """The network as the Caffe prototxt lists it, in float64, from RGB images in 0..1."""
    weights = {name: value.double() for name, value in state.items()}

    def layer(name: str, maps: Tensor, stride: int = 1) -> Tensor:
        kernel = weights[f"{name}.weight"]
        maps = F.conv2d(maps, kernel, weights[f"{name}.bias"], stride, kernel.shape[-1] // 2)
        scale, shift, mean, var = (
            weights[f"{name}_bn.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return ((maps - mean) / (var + 1e-5).sqrt() * scale + shift).clamp(min=0)

    def largest(maps: Tensor) -> Tensor:
        return F.max_pool2d(maps, 3, 2, ceil_mode=True)

    red, green, blue = images.double().unbind(1)
    maps = torch.stack([blue * 255 - 104, green * 255 - 117, red * 255 - 128], 1)
    maps = largest(layer("conv1_7x7_s2", maps, 2))
    maps = largest(layer("conv2_3x3", layer("conv2_3x3_reduce", maps)))
    for block in ("3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        at = f"inception_{block}"
        stride = 2 if block in ("3c", "4e") else 1
        three = layer(f"{at}_3x3", layer(f"{at}_3x3_reduce", maps), stride)
        double = layer(f"{at}_double_3x3_1", layer(f"{at}_double_3x3_reduce", maps))
        double = layer(f"{at}_double_3x3_2", double, stride)
        if stride == 2:
            maps = torch.cat([three, double, largest(maps)], 1)
            continue
        around = F.unfold(F.pad(maps, (1,) * 4, value=-torch.inf if block == "5b" else 0), 3)
        around = around.view(len(maps), maps.shape[1], 9, *maps.shape[2:])
        pooled = around.amax(2) if block == "5b" else around.mean(2)
        maps = torch.cat([layer(f"{at}_1x1", maps), three, double, layer(f"{at}_pool_proj", pooled)], 1)
    return maps.mean((2, 3)).float()


def test_the_published_number_of_parameters() -> None:
    network = BNInception()
    assert sum(weights.numel() for weights in network.parameters()) == 11_295_240
    assert sum(isinstance(module, torch.nn.Conv2d) for module in network.modules()) == 69


def test_the_published_shapes_at_224_pixels() -> None:
    network = BNInception().eval()
    given: dict[str, tuple[int, ...]] = {}
    blocks = ("3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
    for block in blocks:
        network.get_submodule(f"inception_{block}_3x3_reduce").register_forward_pre_hook(
            lambda _, args, block=block: given.__setitem__(block, tuple(args[0].shape[1:]))
        )
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 224, 224)).shape == (1, 1000)
    assert list(given) == list(blocks)
    assert [(channels, side) for channels, side, _ in given.values()] == [
        *((192, 28), (256, 28), (320, 28)),
        *((576, 14), (576, 14), (576, 14), (608, 14), (608, 14)),
        *((1056, 7), (1024, 7)),
    ]


def test_names_are_those_of_the_public_port() -> None:
    names = list(BNInception().state_dict())
    assert names[0] == "conv1_7x7_s2.weight"
    assert names[-2:] == ["last_linear.weight", "last_linear.bias"]
    for name in (
        "conv2_3x3_reduce_bn.running_var",
        "inception_3a_1x1.weight",
        "inception_3a_double_3x3_reduce_bn.bias",
        "inception_4e_double_3x3_2.bias",
        "inception_5b_pool_proj_bn.weight",
    ):
        assert name in names
    assert not [name for name in names if name.startswith(("inception_3c_1x1", "inception_4e_pool"))]


def test_the_network_sees_blue_green_red_in_bytes_less_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr("pipeline.stages.encode.video.backbone.frozen", choice._on_torch)
    backbone = build()
    first = backbone._network.compute._network.get_submodule("maps.conv1_7x7_s2")
    first.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    images = torch.rand(2, 3, 64, 64)
    backbone.features(images)
    for channel, (colour, mean) in enumerate([(2, 104), (1, 117), (0, 128)]):
        torch.testing.assert_close(seen[0][:, channel], images[:, colour] * 255 - mean, rtol=0, atol=1e-4)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("ported", [False, True])
def test_a_file_gives_the_features_that_it_says(
    tmp_path: Path, state: dict[str, Tensor], suffix: str, ported: bool
) -> None:
    written = as_caffe_ported(state) if ported else state
    file = tmp_path / f"bn_inception{suffix}"
    (torch.save if suffix == ".pth" else save_file)(written, file)
    backbone = build(file.name, file)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    images[1, 0] /= 4  # less red
    found = backbone.features(images)
    assert found.shape == (2, backbone.width) == (2, 1024)
    torch.testing.assert_close(found, slow_features(state, images), rtol=1e-4, atol=1e-2)  # of about 130
    assert (found[0] - found[1]).abs().mean() > 0.1 * found.abs().mean()  # the images matter
    assert backbone.weights == file.name


def test_a_state_is_read_as_the_network_has_it(tmp_path: Path, state: dict[str, Tensor]) -> None:
    file = tmp_path / "bn_inception.safetensors"
    save_file(as_caffe_ported(state), file)
    found, weights = read_state("bn_inception", str(file), None)
    assert all(torch.equal(value, state[name]) for name, value in found.items())
    assert (weights.origin, weights.location) == (file.name, str(file))


def test_random_weights_are_the_same_every_time() -> None:
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(build().features(images), build().features(images))


def test_there_are_no_weights_by_name() -> None:
    with pytest.raises(ConfigError, match=r"no bn_inception, so 'IMAGENET1K_V1' names none; give its .pth"):
        build("IMAGENET1K_V1")


def test_another_networks_file_says_what_does_not_fit(tmp_path: Path, state: dict[str, Tensor]) -> None:
    file = tmp_path / "headless.safetensors"
    save_file({name: value for name, value in state.items() if "last_linear" not in name}, file)
    with pytest.raises(ConfigError, match=r"lacks last_linear.weight and 1 more. Give .* of pretrained-models.pytorch"):
        build(file.name, file)


def test_sizes_whose_halves_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"bn_inception does not take images of 200 pixels .* try 224"):
        build(size=200)


def test_a_slip_of_the_name_is_seen() -> None:
    with pytest.raises(ConfigError, match="did you mean bn_inception"):
        build_backbone(VideoParams(backbone="bninception", weights="none"), None, torch.device("cpu"))
