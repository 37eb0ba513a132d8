"""ONNX Runtime gives torch's features, of each image by itself; what it cannot compute torch does, and that is said."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from pipeline.errors import ConfigError
from pipeline.stages.encode.timings import Timings
from pipeline.stages.encode.video.backbone import Backbone, build_backbone
from pipeline.stages.encode.video.network import BatchedInference
from pipeline.stages.encode.video.params import VideoParams
from pipeline.stages.encode.video.runtime import choice
from pipeline.stages.encode.video.runtime.choice import FrozenNetwork, NetworkToRun, frozen
from pipeline.stages.encode.video.runtime.operators import OPERATORS

CPU = torch.device("cpu")
ONNX_RUNTIME, TORCH = "onnxruntime ", "torch "


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache folder of its own."""
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def network(name: str = "squeezenet1_1", size: int = 64) -> NetworkToRun:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        whole: Any = torchvision.models.get_model(name, weights=None)
    body = nn.Sequential(whole.features, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return to_run(body, name, size)


def to_run(body: nn.Module, name: str = "mine", size: int = 32) -> NetworkToRun:
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in ((0.5, 0.4, 0.3), (0.2, 0.3, 0.2)))
    return NetworkToRun(name, False, body.eval().requires_grad_(False), mean, std, size)


def fast(network: NetworkToRun) -> FrozenNetwork:
    found = frozen(network, CPU, "fp32")
    assert found.runtime.startswith(ONNX_RUNTIME)
    return found


def images(count: int, channels: int = 1, size: int = 64) -> Tensor:
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(3))


def apart(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("resnet18", 64),
        ("densenet121", 64),
        ("mobilenet_v2", 64),
        ("mobilenet_v3_small", 64),
        ("efficientnet_b0", 64),
        ("shufflenet_v2_x0_5", 64),
        ("regnet_x_400mf", 64),
        ("mnasnet0_5", 64),
        ("googlenet", 64),
        ("bn_inception", 64),
    ],
)
def test_features_are_those_of_torch_whatever_is_beside_an_image(
    model: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = VideoParams(backbone=model, weights="none", image_size=size)
    backbone = build_backbone(params, None, CPU)
    assert backbone.provenance["runtime"].startswith(ONNX_RUNTIME)
    monkeypatch.setattr(choice, "_on_onnx_runtime", lambda network, converted: choice._on_torch(network, CPU, "fp32"))
    eager = build_backbone(params, None, CPU)
    assert eager.provenance["runtime"].startswith(TORCH)
    three, one = images(5, 3, size), images(3, 1, size)
    found = backbone.features(three)
    assert apart(found, eager.features(three)) < 3e-5
    assert apart(backbone.features(one), eager.features(one)) < 3e-5
    assert torch.equal(backbone.features(three.flip(0)).flip(0), found)
    for number in range(5):
        assert torch.equal(backbone.features(three[number : number + 1])[0], found[number])


def test_attention_is_converted() -> None:
    body: Any = torchvision.models.VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=24, mlp_dim=48)
    body.heads = nn.Identity()
    mine = to_run(body)
    batch = images(5, 1, 32)
    found = fast(mine).compute(batch)
    assert apart(found, body((batch - mine.mean) / mine.std)) < 3e-5
    assert torch.equal(fast(mine).compute(batch[3:])[0], found[3])


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_bits_depend_neither_on_a_batch_nor_on_the_number_of_threads(runtime: str) -> None:
    ready = fast(network()) if runtime == "onnxruntime" else choice._on_torch(network(), CPU, "fp32")
    assert ready.runtime.startswith(runtime)
    every = list(images(24))
    backbone = Backbone(ready.width, "none", CPU, ready)
    found = []
    for threads, order in ((1, range(24)), (3, range(24)), (3, range(24)[::-1])):
        with BatchedInference(backbone, 64, threads, Timings()) as inference:
            parts = [list(order)[at : at + inference.batch] for at in range(0, 24, inference.batch)]
            futures = [(part, inference.submit([torch.stack([every[number] for number in part])])) for part in parts]
            features = torch.zeros(24, ready.width)
            for part, future in futures:
                features[part] = future.result()
        found.append(features)
    assert torch.equal(found[1], found[0])
    assert torch.equal(found[2], found[0])


def test_a_conversion_is_remembered_without_its_weights(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast(network())
    (file,) = (cache / "networks").iterdir()
    assert file.stat().st_size < 100_000  # the weights are 3 MB
    monkeypatch.setattr("pipeline.stages.encode.video.runtime.conversion.convert", None)
    other = network()
    with torch.no_grad():
        for weights in other.body.parameters():
            weights.mul_(1.1)
    expected = choice._on_torch(other, CPU, "fp32").compute(images(2))
    assert apart(fast(other).compute(images(2)), expected) < 3e-5


def test_a_damaged_conversion_is_made_anew(cache: Path) -> None:
    expected = fast(network()).compute(images(2))
    (file,) = (cache / "networks").iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:-1], whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        file.write_bytes(damaged)
        assert torch.equal(fast(network()).compute(images(2)), expected)
        assert file.read_bytes() == whole


def test_another_size_is_another_conversion(cache: Path) -> None:
    fast(network())
    fast(network(size=96))
    assert len(list((cache / "networks").iterdir())) == 2


def test_several_at_once_convert_into_one_cache(cache: Path) -> None:
    """Threads stand for processes: each writes a file of its own, and puts it in place as a whole."""
    networks = [network() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = [ready.compute(images(2)) for ready in pool.map(fast, networks)]
    assert all(torch.equal(each, found[0]) for each in found)
    assert len(list((cache / "networks").iterdir())) == 1


@pytest.mark.parametrize("how", ["a file is in the way", "no home"])
def test_without_a_cache_folder_each_run_converts(how: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "a file is in the way":
        cache.write_bytes(b"")
    else:

        def homeless() -> Path:
            raise ConfigError("this user has no home folder")

        monkeypatch.setattr("pipeline.stages.encode.video.runtime.conversion_cache.cache_folder", homeless)
    assert torch.equal(fast(network()).compute(images(2)), fast(network()).compute(images(2)))


class _Sorted(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3)).sort(1).values


class _ChangedTwice(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        maps = images * 2
        first = maps.select(1, 0)
        maps.relu_()
        return first.flatten(1)


class _OfItsOwnChannels(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) + torch.ones(1)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_Sorted(), "no conversion of aten.sort.default"),
        (_ChangedTwice(), "a change in place of memory that has two names"),
        (_OfItsOwnChannels(), "no conversion of aten.ones.default"),
    ],
)
def test_a_network_that_cannot_be_converted_stays_with_torch_and_says_so(
    body: nn.Module, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    mine = to_run(body)
    with caplog.at_level(logging.DEBUG):
        found = frozen(mine, CPU, "fp32")
    assert found.runtime.startswith(TORCH)
    assert reason in found.runtime
    assert reason.removeprefix("no conversion of ") in caplog.text
    batch = images(2, 3, 32)
    torch.testing.assert_close(found.compute(batch), body((batch - mine.mean) / mine.std))


def test_a_conversion_that_computes_something_else_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were an operator converted wrongly, features would still be torch's."""
    wrong = {**OPERATORS, "aten.relu.default": OPERATORS["aten.sigmoid.default"]}
    monkeypatch.setattr("pipeline.stages.encode.video.runtime.conversion.OPERATORS", wrong)
    mine = to_run(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    found = frozen(mine, CPU, "fp32")
    assert found.runtime.startswith(TORCH)
    assert "features would differ by" in found.runtime
    assert not cache.exists()


def test_a_network_that_torch_computes_faster_stays_with_torch() -> None:
    backbone = build_backbone(VideoParams(backbone="convnext_tiny", weights="none", image_size=64), None, CPU)
    assert backbone.provenance["runtime"] == f"torch {torch.__version__}: faster for this backbone"


def test_half_precision_stays_with_torch() -> None:
    assert frozen(network(), CPU, "bf16").runtime == f"torch {torch.__version__}"


def test_an_error_of_the_conversion_itself_is_none_of_the_images_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(choice, "_on_onnx_runtime", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        frozen(network(), CPU, "fp32")
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="squeezenet1_1 does not take images of 8 pixels"):
        frozen(network(size=8), CPU, "fp32")
