"""Models of timm: features, colours, weights by file and by tag, and what is wrong said by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from pipeline.errors import ConfigError, StepError
from pipeline.stages.encode.video.backbone import build_backbone
from pipeline.stages.encode.video.params import VideoParams

timm = pytest.importorskip("timm", reason="timm is not installed")

CPU = torch.device("cpu")


def build(model: str, weights: str = "none", file: Path | None = None, size: int = 64) -> Any:
    return build_backbone(VideoParams(backbone=f"timm/{model}", weights=weights, image_size=size), file, CPU)


@pytest.mark.parametrize("model", ["tf_efficientnet_lite0", "resnet18", "mobilenetv3_small_050", "test_vit"])
@pytest.mark.parametrize("classes", [1000, 7, 0])
def test_features_are_those_of_timm(tmp_path: Path, model: str, classes: int) -> None:
    """Of a file's weights, whatever its number of classes; images are normalised as the model's first weights ask."""
    size = 160 if model == "test_vit" else 64
    torch.manual_seed(3)
    network = timm.create_model(model, num_classes=classes).eval()
    save_file(network.state_dict(), file := tmp_path / "mine.safetensors")
    images = torch.rand(2, 3, size, size)
    mean, std = (torch.tensor(network.pretrained_cfg[each]).view(1, 3, 1, 1) for each in ("mean", "std"))
    network.reset_classifier(0)
    with torch.inference_mode():
        expected = network((images - mean) / std)
    backbone = build(model, file.name, file, size)
    torch.testing.assert_close(backbone.features(images), expected, rtol=1e-3, atol=1e-4)
    assert (backbone.width, backbone.weights) == (expected.shape[1], "mine.safetensors")


def test_random_weights_are_alike_each_time() -> None:
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(build("resnet18").features(images), build("resnet18").features(images), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("model", "weights", "said"),
    [
        ("resnet_18", "none", "has no model 'resnet_18'; did you mean timm/resnet18"),
        ("qqqqqqqq", "none", "timm.list_models() has all"),
        ("resnet18", "a9_in1k", "no weights 'a9_in1k' for resnet18, only a1_in1k, a2_in1k"),
    ],
)
def test_a_name_that_is_none(model: str, weights: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(model, weights)
    assert said in str(caught.value)


def test_another_networks_file(tmp_path: Path) -> None:
    save_file(timm.create_model("resnet10t").state_dict(), file := tmp_path / "other.safetensors")
    with pytest.raises(
        ConfigError, match=r"wrong weights file for timm/resnet18: lacks .*\. Give the state_dict of timm"
    ):
        build("resnet18", file.name, file)


def test_an_image_size_that_it_cannot_take() -> None:
    with pytest.raises(ConfigError, match=r"timm/vit_tiny_patch16_224 does not take images of 64 pixels .*; try 224"):
        build("vit_tiny_patch16_224")


def test_a_tag_that_cannot_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(StepError, match=r"resnet18.a1_in1k is not in this machine's cache of the hub and cannot be"):
        build("resnet18", "a1_in1k")


def test_a_tag_in_the_hubs_cache(tmp_path: Path) -> None:
    """In a process of its own, since the hub's place is read when it is imported."""
    repository = tmp_path / "models--timm--test_vit.r160_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (snapshot := repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    torch.manual_seed(4)
    network = timm.create_model("test_vit").eval()
    save_file(network.state_dict(), snapshot / "model.safetensors")
    script = (
        "import json, torch\n"
        "from pipeline.stages.encode.video.backbone import build_backbone\n"
        "from pipeline.stages.encode.video.params import VideoParams\n"
        "params = VideoParams(backbone='timm/test_vit', weights='r160_in1k', image_size=160)\n"
        "found = build_backbone(params, None, torch.device('cpu'))\n"
        "print(json.dumps([found.weights, found.features(torch.full((1, 3, 160, 160), 0.5)).tolist()]))\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path), "PATH": "", "PIPELINE_CACHE": str(tmp_path)}
    root = Path(__file__).parents[5]
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    weights, features = json.loads(ended.stdout.splitlines()[-1])
    assert weights == "timm test_vit.r160_in1k"
    network.reset_classifier(0)
    mean, std = (torch.tensor(network.pretrained_cfg[each]).view(1, 3, 1, 1) for each in ("mean", "std"))
    with torch.inference_mode():
        expected = network((torch.full((1, 3, 160, 160), 0.5) - mean) / std)
    torch.testing.assert_close(torch.tensor(features), expected, rtol=1e-3, atol=1e-4)
