"""Ridge regression: left-out decisions against brute force, scikit-learn as the oracle, temperatures in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge as OneRidge
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from trainers.data.batch import RowBatch
from trainers.errors import TrainingError
from trainers.models.ridge.head import STRENGTHS, RidgeHead, rows_of
from trainers.models.ridge.leave_one_out import RidgePath
from trainers.models.ridge.model import Ridge
from trainers.models.ridge.params import RidgeParams
from trainers.models.ridge.temperature import HIGHEST, LOWEST, fit_temperature

CLASSES = 3


def drawn(rows: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return features (rows, width) that tell a little of their labels (rows,)."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(rows) % CLASSES
    features = torch.randn(rows, width, generator=draw)
    features[:, :CLASSES] += torch.nn.functional.one_hot(labels, CLASSES)
    return 5 + 3 * features, labels


def targets_of(labels: Tensor) -> Tensor:
    return 2 * torch.nn.functional.one_hot(labels, CLASSES).double() - 1


def solved(features: Tensor, labels: Tensor, components: int = 0, recordings: Tensor | None = None) -> RidgeHead:
    head = RidgeHead(features.shape[1], CLASSES, components, where="wrist")
    head.solve(features, labels, torch.arange(len(labels)) if recordings is None else recordings)
    return head


@pytest.mark.parametrize("width", [4, 40])
@pytest.mark.parametrize("copies", [1, 3])
def test_decisions_on_a_recording_left_out_are_of_a_regression_without_any_of_its_rows(width: int, copies: int) -> None:
    features, labels = drawn(18, width)
    recordings = torch.arange(18) % (18 // copies)  # copies follow all recordings
    features, targets = features.double(), targets_of(labels)
    features -= features.mean(0)
    members = rows_of(recordings)
    found = RidgePath.of(features, targets, members).left_out(0.7)
    for number, decisions in enumerate(found):
        others = recordings != number
        alone = OneRidge(alpha=0.7).fit(features[others].numpy(), targets[others].numpy())
        np.testing.assert_allclose(decisions, alone.predict(features[members[number, :1]].numpy())[0], atol=1e-9)


@pytest.mark.parametrize("width", [4, 60])
def test_strength_weights_and_left_out_errors_are_scikit_learns(width: int) -> None:
    features, labels = drawn(45, width)
    head = solved(features, labels)
    scaled = StandardScaler().fit_transform(features.double().numpy())
    theirs = RidgeClassifierCV(alphas=STRENGTHS, store_cv_results=True).fit(scaled, labels.numpy())
    assert STRENGTHS[0] < theirs.alpha_ < STRENGTHS[-1]
    np.testing.assert_allclose(head(features), theirs.decision_function(scaled), atol=1e-4)
    path = RidgePath.of(torch.from_numpy(scaled), targets_of(labels), rows_of(torch.arange(45)))
    for place, alpha in enumerate(STRENGTHS):
        errors = (path.left_out(alpha) - path.targets).square()
        np.testing.assert_allclose(errors, theirs.cv_results_[:, :, place], rtol=1e-5, atol=1e-9)


def test_principal_components_are_scikit_learns() -> None:
    features, labels = drawn(40, 60)
    chain: Any = make_pipeline(StandardScaler(), PCA(5, svd_solver="full"), RidgeClassifierCV(alphas=STRENGTHS))
    theirs = chain.fit(features.double().numpy(), labels.numpy())
    head = solved(features, labels, components=5)
    assert tuple(head.weight.shape) == (CLASSES, 5)
    np.testing.assert_allclose(head(features), theirs.decision_function(features.double().numpy()), atol=1e-4)


def test_a_constant_feature_changes_nothing() -> None:
    features, labels = drawn(30, 6)
    constant = torch.cat([features, torch.full((30, 1), 7.0)], dim=1)
    np.testing.assert_allclose(solved(constant, labels)(constant), solved(features, labels)(features), atol=1e-5)


@pytest.mark.parametrize("right", [60, 75, 99])
def test_the_temperature_makes_the_odds_those_of_being_right(right: int) -> None:
    # of two classes, decisions 0.4 and -0.4: the likelihood is greatest where the odds exp(0.8 / T) are right : wrong
    labels = torch.zeros(100, dtype=torch.int64)
    decisions = torch.tensor([[0.4, -0.4]] * right + [[-0.4, 0.4]] * (100 - right))
    assert fit_temperature(decisions, labels) == pytest.approx(0.8 / math.log(right / (100 - right)), rel=1e-6)


def test_the_temperature_stays_within_bounds() -> None:
    labels = torch.zeros(10, dtype=torch.int64)
    always, never = torch.tensor([[1.0, -1.0]] * 10), torch.tensor([[-1.0, 1.0]] * 10)
    assert fit_temperature(always, labels) == pytest.approx(LOWEST)
    assert fit_temperature(never, labels) == pytest.approx(HIGHEST)


@pytest.mark.parametrize("copies", [0, 2])
def test_labels_that_nothing_tells_get_the_probabilities_of_a_guess(
    copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # so weak a strength, and so many features, that all training rows are told apart: that says nothing of new ones
    monkeypatch.setattr("trainers.models.ridge.head.STRENGTHS", (0.001,))
    draw = torch.Generator().manual_seed(1)
    features, labels = torch.randn(60, 400, generator=draw), torch.randint(CLASSES, (60,), generator=draw)
    noise = 0.1 * torch.randn(1 + copies, 60, 400, generator=draw)
    rows = (features + noise).flatten(0, 1)
    head = solved(rows, labels.repeat(1 + copies), recordings=torch.arange(60).repeat(1 + copies))
    assert bool((head(rows[:60]).argmax(1) == labels).all())
    fresh = torch.randn(500, 400, generator=draw)
    assert float(head.logits(head(fresh)).softmax(1).amax(1).mean()) < 0.5


@pytest.mark.parametrize(
    ("components", "message"),
    [(41, "41 is more than the 40 values of wrist"), (20, "20 training rows have 19 principal components at most")],
)
def test_more_components_than_there_can_be_are_refused(components: int, message: str) -> None:
    features, labels = drawn(20, 40)
    with pytest.raises(TrainingError, match=message):
        solved(features, labels, components)


def test_values_that_are_not_finite_are_told() -> None:
    features, labels = drawn(20, 4)
    features[3, 2] = torch.inf
    with pytest.raises(TrainingError, match="wrist has values that are not finite"):
        solved(features, labels)


class Rows(list[RowBatch]):
    """Training rows in chunks."""

    def __len__(self) -> int:
        return sum(len(batch["labels"]) for batch in self)


def rows(count: int, chunk: int) -> Rows:
    """Return recordings of two modalities, of which the second says nothing."""
    draw = torch.Generator().manual_seed(3)
    features, labels = drawn(count, 8)
    inputs = {"wrist": features.view(count, 2, 4), "hip": torch.randn(count, 3, 2, generator=draw)}
    valid = {"hip": torch.arange(count * 3).view(count, 3) % 4 > 0}
    return Rows(
        {
            "inputs": {name: each[part] for name, each in inputs.items()},
            "valid": {name: each[part] for name, each in valid.items()},
            "labels": labels[part],
            "recordings": part,
        }
        for part in torch.split(torch.arange(count), chunk)
    )


def model(streams: Any, seen: Rows) -> Ridge:
    built = Ridge({"wrist": (2, 4), "hip": (3, 2)}, CLASSES, RidgeParams(streams=streams)).eval()
    built.solve(seen, 0)
    return built


@pytest.mark.parametrize("streams", ["joint", "modality"])
def test_chunks_make_no_difference_and_invalid_patches_are_zero(streams: Any) -> None:
    whole, parts = rows(40, 40), rows(40, 7)
    first, second = model(streams, whole), model(streams, parts)
    (batch,) = whole
    expected = first(batch["inputs"], batch["valid"])["logits"]
    torch.testing.assert_close(second(batch["inputs"], batch["valid"])["logits"], expected)
    masked = batch["inputs"]["hip"].masked_fill(~batch["valid"]["hip"].unsqueeze(-1), 0)
    torch.testing.assert_close(first({**batch["inputs"], "hip": masked}, {})["logits"], expected)


def test_one_regression_a_modality_votes_and_an_absent_one_has_no_vote() -> None:
    (batch,) = seen = rows(40, 40)
    built = model("modality", seen)
    output = built(batch["inputs"], batch["valid"])
    assert list(output["streams"]) == ["wrist/ridge", "hip/ridge"]
    mean = torch.stack([each.softmax(-1) for each in output["streams"].values()]).mean(0)
    torch.testing.assert_close(output["logits"].exp(), mean)
    absent = {"hip": torch.zeros(40, 3, dtype=torch.bool)}
    alone = built(batch["inputs"], absent)
    torch.testing.assert_close(alone["logits"].exp(), alone["streams"]["wrist/ridge"].softmax(-1))
    assert built.embedding_width == output["embedding"].shape[1] == 2 * CLASSES


def test_a_modality_that_dropout_hides_is_zero_to_the_joint_regression_alone() -> None:
    hidden, plain = rows(40, 40), rows(40, 40)
    hidden[0]["seen"] = {"hip": torch.zeros(40, 3, dtype=torch.bool)}
    (batch,) = plain
    joint = model("joint", hidden)
    torch.testing.assert_close(joint.heads["wrist+hip"].weight[:, 8:], torch.zeros(CLASSES, 6))
    apart, same = model("modality", hidden), model("modality", plain)
    expected = same(batch["inputs"], batch["valid"])["logits"]
    torch.testing.assert_close(apart(batch["inputs"], batch["valid"])["logits"], expected)
