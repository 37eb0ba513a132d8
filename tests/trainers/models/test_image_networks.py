"""Image networks held against torchvision's own, and what loads its weights into them."""

from __future__ import annotations

import math

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.transforms.functional import normalize

from trainers.errors import TrainingError
from trainers.models.images.params import ImageNetworkParams
from trainers.models.images.pretrained import adapt_channels
from trainers.models.images.student import VGG16, ImageStudent, ResNet18

IMAGES = {"inertial:images": (3, 64, 64)}
NONE = ImageNetworkParams(weights="none")


def images(channels: int = 3, size: int = 64) -> Tensor:
    """Two random images in -1..1."""
    return 2 * torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(0)) - 1


def parameters(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    """torchvision's ResNet18 with its thousand classes; batch norms are not those of a new network."""
    torch.manual_seed(1)
    network: nn.Module = torchvision.models.resnet18(weights=None)
    for key, value in network.state_dict().items():
        if "running_" in key or ("bn" in key and value.is_floating_point()):
            nn.init.uniform_(value, 0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def vgg() -> nn.Module:
    """torchvision's VGG16; its classifier has shapes but no values."""
    torch.manual_seed(1)
    with torch.device("meta"):
        network: nn.Module = torchvision.models.vgg16(weights=None)
    features = network.get_submodule("features").to_empty(device="cpu")
    for value in features.parameters():
        nn.init.kaiming_normal_(value) if value.ndim == 4 else nn.init.uniform_(value, -0.1, 0.1)
    return network.eval()


def test_parameters_are_those_that_torchvision_publishes() -> None:
    published = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.meta["num_params"]
    resnet = ResNet18(IMAGES, 27, NONE)
    assert parameters(resnet.body) + 513 * 1000 == published == 11_689_512
    vgg = VGG16(IMAGES, 27, NONE)
    classifier = (512 * 49 + 1) * 4096 + 4097 * 4096 + 4097 * 1000
    assert parameters(vgg.body) == torchvision.models.VGG16_Weights.IMAGENET1K_V1.meta["num_params"] - classifier
    assert parameters(vgg.body) == 14_714_688
    head = 513 * 300 + 301 * 27
    assert parameters(resnet) - parameters(resnet.body) == parameters(vgg) - parameters(vgg.body) == head


def test_resnet18_with_torchvision_s_state_is_torchvision_s_network(resnet: nn.Module) -> None:
    model = ResNet18(IMAGES, 27, ImageNetworkParams()).eval()
    model.load_pretrained(resnet.state_dict())
    seen: list[Tensor] = []
    stages = (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4, resnet.avgpool)
    hooks = [stage.register_forward_hook(lambda *told: seen.append(told[2])) for stage in stages]  # type: ignore[union-attr]
    with torch.no_grad():
        output = model({"inertial:images": images()}, {})
        resnet(normalize((images() + 1) / 2, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    for hook in hooks:
        hook.remove()
    pooled = output["maps"][-1].mean((2, 3), keepdim=True)
    torch.testing.assert_close([*output["maps"], pooled], seen, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(output["embedding"], model.embed(pooled.flatten(1)).relu())


def test_vgg16_with_torchvision_s_state_is_torchvision_s_features(vgg: nn.Module) -> None:
    model = VGG16(IMAGES, 27, ImageNetworkParams()).eval()
    model.load_pretrained(vgg.state_dict())
    wanted = normalize((images() + 1) / 2, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.no_grad():
        output = model({"inertial:images": images()}, {})
        for end, found in zip((5, 10, 17, 24, 31), output["maps"], strict=True):
            torch.testing.assert_close(found, vgg.features[:end](wanted), rtol=1e-4, atol=1e-4)  # type: ignore[index, operator]
        features = vgg.features(wanted).mean((2, 3))  # type: ignore[operator]
    torch.testing.assert_close(output["embedding"], model.embed(features).relu(), rtol=1e-4, atol=1e-4)


def test_images_stay_as_they_are_without_pretrained_weights(resnet: nn.Module) -> None:
    model = ResNet18(IMAGES, 27, NONE).eval()
    model.load_pretrained(resnet.state_dict())
    features = model({"inertial:images": images()}, {})["maps"][-1].mean((2, 3))
    body = nn.Sequential(*list(resnet.children())[:-1])
    torch.testing.assert_close(features, body(images()).flatten(1), rtol=1e-4, atol=1e-4)


def test_other_channels_than_three_get_the_mean_of_imagenet_s_statistics() -> None:
    model = ResNet18({"a": (2, 32, 32)}, 3, ImageNetworkParams())
    grey = torch.full((1, 2, 1, 1), 2 * (0.485 + 0.456 + 0.406) / 3 - 1)
    torch.testing.assert_close((grey - model.shift) * model.scale, torch.zeros(1, 2, 1, 1), atol=1e-6, rtol=0)
    spread = 2 * (0.229 + 0.224 + 0.225) / 3
    torch.testing.assert_close((grey + spread - model.shift) * model.scale, torch.ones(1, 2, 1, 1))


def test_without_weights_networks_start_as_torchvision_s_do() -> None:
    torch.manual_seed(3)
    ours = ResNet18(IMAGES, 27, NONE).body.state_dict()
    torch.manual_seed(3)
    theirs = torchvision.models.resnet18(weights=None).state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    for layer in VGG16({"a": (6, 32, 32)}, 27, NONE).body:
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            deviation = math.sqrt(2 / (layer.out_channels * 9))  # He et al. 2015, eq. 14, by outputs
            assert layer.weight.std().item() == pytest.approx(deviation, rel=0.06)
            assert not layer.bias.any()


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_a_grey_image_gives_the_same_first_maps_in_any_number_of_channels(
    name: str, channels: int, resnet: nn.Module, vgg: nn.Module
) -> None:
    network, build, first = {"resnet18": (resnet, ResNet18, "conv1"), "vgg16": (vgg, VGG16, "0")}[name]
    model: ImageStudent = build({"a": (channels, 32, 32)}, 27, ImageNetworkParams())
    model.load_pretrained(network.state_dict())
    original = resnet.conv1 if name == "resnet18" else vgg.features[0]  # type: ignore[index]
    grey = images(1, 32)
    ours = model.body.get_submodule(first)(grey.expand(-1, channels, -1, -1))
    expected = original(grey.expand(-1, 3, -1, -1))  # type: ignore[operator]
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_other_layers_are_loaded_as_they_are(resnet: nn.Module) -> None:
    model = ResNet18({"a": (2, 32, 32)}, 27, ImageNetworkParams())
    model.load_pretrained(resnet.state_dict())
    theirs = resnet.state_dict()
    others = {key: value for key, value in model.body.state_dict().items() if key != "conv1.weight"}
    assert len(others) == len(theirs) - 3  # and the head's two
    assert all(torch.equal(value, theirs[key]) for key, value in others.items())


def test_three_channels_keep_their_colours() -> None:
    weight = torch.randn(4, 3, 7, 7)
    assert torch.equal(adapt_channels(weight, 3), weight)


def test_older_files_without_counters_and_files_without_a_head_are_taken(resnet: nn.Module) -> None:
    state = {key: value for key, value in resnet.state_dict().items() if "num_batches" not in key and key[:2] != "fc"}
    model = ResNet18(IMAGES, 27, ImageNetworkParams())
    model.load_pretrained(state)
    assert torch.equal(model.body.get_submodule("layer1.0.conv1").weight, state["layer1.0.conv1.weight"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer3.0.conv2.weight": None}, r"lacks layer3\.0\.conv2\.weight\. "),
        ({"bn1.bias": None, "bn1.weight": None}, r"lacks bn1\.weight and 1 more"),
        ({"layer9.weight": torch.zeros(1)}, r"has unknown layer9\.weight"),
        ({"fc.scale": torch.zeros(1)}, r"has unknown fc\.scale"),
        ({"conv1.weight": torch.zeros(64, 1, 7, 7)}, r"conv1\.weight is \(64, 1, 7, 7\) instead of \(64, 3, 7, 7\)"),
        ({"bn1.weight": torch.zeros(32)}, r"bn1\.weight is \(32,\) instead of \(64,\).*weights: none"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_loaded(
    changes: dict[str, Tensor | None], message: str, resnet: nn.Module
) -> None:
    model = ResNet18({"a": (1, 32, 32)}, 27, ImageNetworkParams())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = {key: value for key, value in (resnet.state_dict() | changes).items() if value is not None}
    with pytest.raises(TrainingError, match=message):
        model.load_pretrained(state)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_another_network_s_state_is_refused_by_torchvision_s_names(resnet: nn.Module) -> None:
    with pytest.raises(TrainingError, match=r"no state of vgg16: lacks features\.0\.weight .*unknown conv1\.weight"):
        VGG16(IMAGES, 27, ImageNetworkParams()).load_pretrained(resnet.state_dict())


@pytest.mark.parametrize(("build", "last"), [(ResNet18, [8, 4, 2, 1]), (VGG16, [16, 8, 4, 2, 1])])
def test_small_images_will_do(build: type[ResNet18 | VGG16], last: list[int]) -> None:
    output = build({"a": (1, 32, 32)}, 3, NONE).eval()({"a": images(1, 32)}, {})
    assert [found.shape[-1] for found in output["maps"]] == last
    assert bool(output["logits"].isfinite().all())


def test_images_too_small_or_of_two_sizes_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"at least 32 x 32 pixels.*resnet18"):
        VGG16({"a": (1, 31, 31)}, 3, NONE)
    with pytest.raises(TrainingError, match="of one size, not a 32 x 32, b 64 x 64"):
        ResNet18({"a": (1, 32, 32), "b": (1, 64, 64)}, 3, NONE)


@pytest.mark.parametrize("weights", ["DEFAULT", ""])
def test_weights_must_be_named(weights: str) -> None:
    with pytest.raises(ValueError, match="weights: "):
        ImageNetworkParams(weights=weights)
