"""The head of models that are solved: features to classes by ridge regression."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.errors import TrainingError
from trainers.models.ridge.leave_one_out import RidgePath
from trainers.models.ridge.temperature import fit_temperature

SMALLEST = 1e-6  # a deviation below it is that of a constant feature, which is only centred
STRENGTHS = tuple(10 ** (exponent / 2) for exponent in range(-6, 13))  # alpha, 0.001 to 1,000,000


class RidgeHead(nn.Module):
    """Standardised features, if asked for their principal components, and a linear map to one decision a class.

    The targets are 1 for the class of a recording and -1 for the others. The strength is the one of `STRENGTHS` with
    the least squared error of decisions on recordings that are left out, on which the temperature is fitted, too.

    Parameters
    ----------
    features, classes
        F and K.
    components
        Principal components of the training rows; 0: none.
    where
        What the features are of, for messages.
    """

    mean: Tensor
    scale: Tensor
    temperature: Tensor

    def __init__(self, features: int, classes: int, components: int = 0, *, where: str) -> None:
        super().__init__()
        if components > features:
            raise TrainingError(
                f"model.components: {components} is more than the {features} values of {where}; lower it"
            )
        self.where, self.classes, self.components = where, classes, components
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("temperature", torch.ones(()))
        # no buffers, so that they are counted as what a model has learned; nothing descends them
        self.axes = _solved(components, features) if components else None
        self.weight = _solved(classes, components or features)
        self.bias = _solved(classes)

    def forward(self, features: Tensor) -> Tensor:
        """Return decisions (B, K), about -1 to 1, of features (B, F)."""
        values = (features - self.mean) * self.scale
        if self.axes is not None:
            values = nn.functional.linear(values, self.axes)
        return nn.functional.linear(values, self.weight, self.bias)

    def logits(self, decisions: Tensor) -> Tensor:
        """Return decisions (B, K) as raw logits."""
        return decisions / self.temperature

    @torch.no_grad()
    def solve(self, features: Tensor, labels: Tensor, recordings: Tensor) -> None:
        """Solve for rows (N, F) with labels (N,) of the recordings that `recordings` (N,) numbers.

        Each recording has as many rows, of which the first is the recording itself and others are copies of it.
        """
        if not bool(features.isfinite().all()):
            raise TrainingError(f"model: {self.where} has values that are not finite; look for them in the features")
        members = rows_of(recordings)
        deviation, mean = torch.std_mean(features.double(), dim=0, correction=0)
        self.mean.copy_(mean)
        self.scale.copy_(1 / torch.where(deviation < SMALLEST, 1.0, deviation))
        values = (features.double() - self.mean) * self.scale
        values -= values.mean(0)  # what the means lost when they were rounded
        if self.axes is not None:
            self.axes.copy_(self._principal_axes(values))
            values = values @ self.axes.double().T
        targets = 2 * nn.functional.one_hot(labels, self.classes).double() - 1
        path = RidgePath.of(values, targets, members)
        first = members[:, 0]
        errors = {alpha: float((path.left_out(alpha) - targets[first]).square().mean()) for alpha in STRENGTHS}
        alpha = min(errors, key=errors.__getitem__)
        for own, found in zip((self.weight, self.bias), path.solution(alpha), strict=True):
            own.copy_(found)
        self.temperature.fill_(fit_temperature(path.left_out(alpha), labels[first]))

    def _principal_axes(self, values: Tensor) -> Tensor:
        """Return orthonormal axes (components, F) along which rows (N, F) vary most."""
        if self.components >= len(values):
            raise TrainingError(
                f"model.components: {len(values)} training rows have {len(values) - 1} principal components at most, "
                f"not {self.components}; lower it"
            )
        axes: Tensor = torch.linalg.svd(values, full_matrices=False).Vh
        return axes[: self.components]


def rows_of(recordings: Tensor) -> Tensor:
    """Return the rows (R, M) of each recording, in their order, by the number of each row's recording (N,)."""
    count = int((recordings.sort().values.diff() != 0).sum()) + 1
    return recordings.argsort(stable=True).view(count, -1)


def _solved(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape), requires_grad=False)
