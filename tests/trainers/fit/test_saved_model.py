"""A saved model gives the same predictions after it is loaded."""

import pytest
import torch
from torch import Tensor, nn

from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.standardise import Standardised, fit_standardiser
from trainers.errors import TrainingError
from trainers.fit.predict import predict
from trainers.fit.saved_model import ModelConfig, load_model, save_model
from trainers.models.dmft.params import StudentParams
from trainers.models.dmft.student import DMFTStudent
from trainers.params import StandardiseParams

PARAMS = StudentParams(width=8, layers=1, heads=2, feed_forward=16)
CLASSES = ("clap", "wave", "sit", "stand")


def build(description: ModelConfig) -> nn.Module:
    return DMFTStudent(description.shapes, len(description.classes), StudentParams(**description.params))


@pytest.fixture
def data(skeleton: ModalityData, inertial: ModalityData, video: ModalityData, labels: Tensor) -> RecordingData:
    return RecordingData([skeleton, inertial, video], labels)


@pytest.fixture
def model(data: RecordingData) -> Standardised:
    fitted = fit_standardiser(data.inputs.values(), StandardiseParams())
    return Standardised(DMFTStudent(data.shapes, 4, PARAMS), fitted)


@pytest.fixture
def description(data: RecordingData) -> ModelConfig:
    params = {name: getattr(PARAMS, name) for name in PARAMS.__struct_fields__}
    return ModelConfig("dmft-lite", params, data.shapes, CLASSES)


def test_a_loaded_model_predicts_the_same(model: Standardised, description: ModelConfig, data: RecordingData) -> None:
    loaded, read = load_model(save_model(model, description), build)
    assert read == description
    before, after = predict(model, data), predict(loaded, data)
    assert torch.equal(before.logits, after.logits)
    assert torch.equal(before.embedding, after.embedding)
    assert before.streams.keys() == after.streams.keys()


def test_equal_models_give_equal_bytes(model: Standardised, description: ModelConfig) -> None:
    assert save_model(model, description) == save_model(model, description)


def test_predictions_are_probabilities_of_the_vote(model: Standardised, data: RecordingData) -> None:
    made = predict(model, data)
    mean = torch.stack(list(made.streams.values())).mean(0)
    torch.testing.assert_close(made.probabilities, mean)
    torch.testing.assert_close(mean.sum(-1), torch.ones(12))


def test_damaged_bytes_say_what_to_do(model: Standardised, description: ModelConfig) -> None:
    content = save_model(model, description)
    with pytest.raises(TrainingError, match="saved model: not readable"):
        load_model(content[:-8], build)


def test_weights_of_another_model_are_refused(model: Standardised, description: ModelConfig) -> None:
    content = save_model(model, description)
    with pytest.raises(TrainingError, match="the weights do not fit dmft-lite"):
        load_model(content, lambda d: DMFTStudent(d.shapes, 5, PARAMS))
