"""Networks by name, their features, and weights that are never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from pipeline.errors import ConfigError, StepError
from pipeline.stages.encode.video.backbone import build_backbone
from pipeline.stages.encode.video.params import VideoParams

CPU = torch.device("cpu")
REAL = Path(__file__).parents[6] / "shared/data/weights/squeezenet1_1-imagenet.safetensors"


def build(model: str, weights: str = "none", file: Path | None = None, size: int = 64) -> Any:
    return build_backbone(VideoParams(backbone=model, weights=weights, image_size=size), file, CPU)


@pytest.mark.parametrize(
    ("model", "width"),
    [
        ("resnet18", 512),
        ("vgg11", 512),
        ("squeezenet1_1", 512),
        ("mobilenet_v2", 1280),
        ("mobilenet_v3_small", 576),
        ("efficientnet_b0", 1280),
        ("densenet121", 1024),
        ("convnext_tiny", 768),
        ("mnasnet0_5", 1280),
        ("shufflenet_v2_x0_5", 1024),
        ("swin_t", 768),
        ("regnet_y_400mf", 440),
    ],
)
def test_families_give_their_pooled_penultimate_features(model: str, width: int) -> None:
    backbone = build(model)
    assert backbone.width == width
    assert backbone.features(torch.rand(2, 3, 64, 64)).shape == (2, width)


def test_features_are_what_the_head_is_given() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.resnet18(weights=None).eval()
    given: list[torch.Tensor] = []
    network.fc.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    images = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        network((images - mean) / std)
    torch.testing.assert_close(build("resnet18").features(images), given[0], rtol=1e-4, atol=1e-5)


def test_an_unknown_backbone_names_close_ones() -> None:
    with pytest.raises(ConfigError, match="no classification model 'resnet5'; did you mean resnet50"):
        build("resnet5")


def test_an_image_size_that_the_network_cannot_take_is_refused() -> None:
    with pytest.raises(ConfigError, match="vit_b_16 does not take images of 64 pixels"):
        build("vit_b_16")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_from_a_file_are_used(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(5)
    network = torchvision.models.squeezenet1_1(weights=None).eval()
    file = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": network.state_dict()}, file)
    else:
        save_file(network.state_dict(), file)
    backbone = build("squeezenet1_1", file.name, file)
    images = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        expected = network.features((images - mean) / std).mean(dim=(2, 3))
    torch.testing.assert_close(backbone.features(images), expected, rtol=1e-4, atol=1e-5)
    assert backbone.weights == file.name


def test_a_file_for_another_network_says_what_does_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "resnet.safetensors"
    save_file(torchvision.models.resnet18(weights=None).state_dict(), file)
    with pytest.raises(ConfigError) as caught:
        build("squeezenet1_1", str(file), file)
    message = str(caught.value)
    assert f"{file} is a wrong weights file for squeezenet1_1" in message
    assert "lacks features.0.weight and 51 more" in message
    assert "has unknown bn1.bias and 101 more" in message


def test_a_file_with_another_head_names_the_tensor_and_both_shapes(tmp_path: Path) -> None:
    file = tmp_path / "fine.pth"
    torch.save(torchvision.models.resnet18(weights=None, num_classes=10).state_dict(), file)
    with pytest.raises(ConfigError, match=r"fc.weight is \(10, 512\) instead of \(1000, 512\)"):
        build("resnet18", str(file), file)


@pytest.mark.parametrize("name", ["bad.pth", "bad.safetensors"])
def test_a_file_without_weights_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with pytest.raises(ConfigError, match=f"no such file: .*{name}"):
        build("squeezenet1_1", name, file)
    file.write_bytes(b"not weights at all")
    with pytest.raises(ConfigError, match=f"{name} holds no weights"):
        build("squeezenet1_1", name, file)


def test_an_error_of_the_system_says_nothing_of_the_weights(tmp_path: Path) -> None:
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(StepError, match=r"folder.pth: Is a directory; that is an error of the system"):
        build("squeezenet1_1", "folder.pth", tmp_path / "folder.pth")


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "evil.pth"
    torch.save(torchvision.models.squeezenet1_1(weights=None), file)
    with pytest.raises(ConfigError, match="holds no weights"):
        build("squeezenet1_1", str(file), file)


def test_enumerated_weights_that_do_not_exist_name_those_that_do() -> None:
    with pytest.raises(
        ConfigError, match="no weights 'IMAGENET9' for resnet50, only IMAGENET1K_V1, IMAGENET1K_V2; a file"
    ):
        build("resnet50", "IMAGENET9")


def test_weights_without_a_network_name_cache_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    chosen = torchvision.models.SqueezeNet1_1_Weights.DEFAULT
    monkeypatch.setattr(
        type(chosen),
        "url",
        property(lambda self: "http://127.0.0.1:9/squeezenet1_1-b8a52dc0.pth"),
        raising=False,
    )
    with pytest.raises(StepError) as caught:
        build("squeezenet1_1", "IMAGENET1K_V1")
    message = str(caught.value)
    assert "squeezenet1_1 IMAGENET1K_V1 is not in" in message
    assert str(tmp_path / "hub/checkpoints/squeezenet1_1-b8a52dc0.pth") in message
    assert "put it there, or set weights:" in message


@pytest.mark.realdata
@pytest.mark.skipif(not REAL.is_file(), reason=f"{REAL} is not here")
def test_real_weights_load_and_tell_images_apart() -> None:
    backbone = build("squeezenet1_1", REAL.name, REAL, size=224)
    flat, noise = torch.full((1, 3, 224, 224), 0.5), torch.rand(1, 3, 224, 224)
    found = backbone.features(torch.cat([flat, noise]))
    assert (found >= 0).all()
    assert torch.nn.functional.cosine_similarity(found[:1], found[1:]).item() < 0.9
