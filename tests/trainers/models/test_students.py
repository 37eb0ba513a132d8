"""What every student gives to a task, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import pytest
import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.data.standardise import Standardised, Standardiser
from trainers.fit.saved_model import ModelConfig, load_model, save_model
from trainers.models.cnn1d.model import CNN1D
from trainers.models.cnn1d.params import CNN1DParams
from trainers.models.images.params import ImageNetworkParams
from trainers.models.images.student import VGG16, ResNet18

Shapes = Mapping[str, tuple[int, ...]]
IMAGES = {"inertial:images": (3, 64, 64)}
SERIES = {"inertial:series": (189, 3)}
NONE = ImageNetworkParams(weights="none")
BUILD: Mapping[str, Callable[[Shapes], nn.Module]] = {
    "resnet18": lambda shapes: ResNet18(shapes, 5, NONE),
    "vgg16": lambda shapes: VGG16(shapes, 5, NONE),
    "cnn1d": lambda shapes: CNN1D(shapes, 5, CNN1DParams()),
}


def recordings(shapes: Shapes, rows: int = 2, seed: int = 0) -> dict[str, Tensor]:
    """Random values in -1..1."""
    generator = torch.Generator().manual_seed(seed)
    return {name: 2 * torch.rand(rows, *shape, generator=generator) - 1 for name, shape in shapes.items()}


@pytest.fixture(params=BUILD)
def student(request: pytest.FixtureRequest) -> tuple[nn.Module, Shapes]:
    torch.manual_seed(0)
    shapes = SERIES if request.param == "cnn1d" else IMAGES
    return BUILD[request.param](shapes), shapes


def test_outputs_have_the_shapes_that_tasks_expect(student: tuple[nn.Module, Shapes]) -> None:
    model, shapes = student
    output: ModelOutput = model.eval()(recordings(shapes, 3), {})
    (name,) = output["streams"]
    assert name.startswith(f"{next(iter(shapes))}/")
    assert output["streams"][name].shape == output["logits"].shape == (3, 5)
    torch.testing.assert_close(output["logits"], output["streams"][name].log_softmax(-1))
    assert output["embedding"].shape == (3, 300)
    assert model.embedding_width == 300
    assert bool((output["embedding"] >= 0).all())
    assert all(found.shape[0] == 3 and found.ndim == 4 for found in output["maps"])


def test_log_probabilities_are_fp32_whatever_the_forward_pass_is(student: tuple[nn.Module, Shapes]) -> None:
    model, shapes = student
    with torch.autocast("cpu", torch.bfloat16):
        output = model.eval()(recordings(shapes), {})
    assert output["logits"].dtype == torch.float32


def test_gradients_reach_every_parameter(student: tuple[nn.Module, Shapes]) -> None:
    model, shapes = student
    torch.autograd.backward(nn.functional.nll_loss(model.train()(recordings(shapes, 4), {})["logits"], torch.arange(4)))
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


def test_evaluation_is_deterministic_and_a_recording_stands_for_itself(student: tuple[nn.Module, Shapes]) -> None:
    model, shapes = student
    inputs = recordings(shapes, 3)
    with torch.no_grad():
        together, again = (model.eval()(inputs, {})["logits"] for _ in range(2))
        alone = model({name: values[1:2] for name, values in inputs.items()}, {})["logits"]
    assert torch.equal(together, again)
    torch.testing.assert_close(alone, together[1:2], rtol=1e-4, atol=1e-5)


def test_dropout_acts_between_embedding_and_classes_only() -> None:
    torch.manual_seed(0)
    for model, shapes in (
        (ResNet18(IMAGES, 5, ImageNetworkParams(weights="none", dropout=0.5)), IMAGES),
        (CNN1D(SERIES, 5, CNN1DParams(dropout=0.5)), SERIES),
    ):
        one, other = (model.train()(recordings(shapes), {}) for _ in range(2))
        assert torch.equal(one["embedding"], other["embedding"])
        assert not torch.equal(one["logits"], other["logits"])


@pytest.mark.parametrize(
    ("name", "shapes", "joined", "axis"),
    [
        ("resnet18", {"wrist:images": (3, 32, 32), "hip:images": (2, 32, 32)}, (5, 32, 32), 1),
        ("vgg16", {"wrist:images": (3, 32, 32), "hip:images": (2, 32, 32)}, (5, 32, 32), 1),
        ("cnn1d", {"wrist:series": (40, 3), "hip:series": (40, 2)}, (40, 5), -1),
    ],
)
def test_several_inputs_are_one_with_all_their_channels(
    name: str, shapes: Shapes, joined: tuple[int, ...], axis: int
) -> None:
    two, one = BUILD[name](shapes).eval(), BUILD[name]({"both": joined}).eval()
    one.load_state_dict(two.state_dict())
    inputs = recordings(shapes)
    output = two(inputs, {})
    assert list(output["streams"]) == [f"{'+'.join(shapes)}/{name}"]
    expected = one({"both": torch.cat(list(inputs.values()), axis)}, {})
    assert torch.equal(output["logits"], expected["logits"])


@pytest.mark.parametrize(("name", "shapes"), [("resnet18", IMAGES), ("cnn1d", SERIES)])
def test_a_saved_student_predicts_the_same(name: str, shapes: Shapes) -> None:
    model, other = BUILD[name](shapes), BUILD[name](shapes)
    model.train()(recordings(shapes, 4), {})  # so that batch norms have lived
    params = msgspec.to_builtins(CNN1DParams() if name == "cnn1d" else NONE)
    description = ModelConfig(name, params, dict(shapes), tuple("abcde"))
    saved = Standardised(model, Standardiser(shapes)).eval()
    loaded, read = load_model(save_model(saved, description), lambda _: other)
    assert read == description
    inputs = recordings(shapes)
    assert torch.equal(loaded(inputs, {})["logits"], saved(inputs, {})["logits"])
