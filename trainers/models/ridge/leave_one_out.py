"""Ridge regression by every strength at once, and what it says of each recording that it was not solved on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RidgePath:
    """Ridge regressions of targets Y (N, K) on features X (N, F), with an intercept that is not penalised.

    Parameters
    ----------
    features
        (N, F) float64, each with the mean 0 over the rows.
    targets
        (N, K) float64.
    members
        (R, M) int64: the rows of each of R recordings, each row once. They are left out together.
    scores
        (N, min(N, F)): the rows in the basis of the features' principal axes.
    energies
        (min(N, F),): the eigenvalues of X'X that go with them.
    """

    features: Tensor
    targets: Tensor
    members: Tensor
    scores: Tensor
    energies: Tensor

    @classmethod
    def of(cls, features: Tensor, targets: Tensor, members: Tensor) -> RidgePath:
        """Decompose the features, by the smaller one of XX' and X'X."""
        rows, width = features.shape
        if rows <= width:
            energies, axes = torch.linalg.eigh(features @ features.T)
            energies = energies.clamp(min=0)
            return cls(features, targets, members, axes * energies.sqrt(), energies)
        energies, axes = torch.linalg.eigh(features.T @ features)
        return cls(features, targets, members, features @ axes, energies.clamp(min=0))

    def fitted(self, alpha: float) -> Tensor:
        """Return what the regression of a strength says of the rows that it is solved on, (N, K)."""
        mean = self.targets.mean(0)
        return mean + self._shrunk(alpha) @ (self.scores.T @ (self.targets - mean))

    def left_out(self, alpha: float) -> Tensor:
        """Return what the regression that is solved without a recording says of its first row, (R, K).

        In closed form: with the hat matrix H, rows I of one recording, and the residuals e of the regression on all,
        those of the one without I are (1 - H_II)^-1 e_I. Of single rows this is e_i / (1 - H_ii), by which Rifkin and
        Lippert 2007 (Notes on regularized least squares) and scikit-learn's RidgeCV choose the strength.
        """
        count, size = self.members.shape
        residuals = (self.targets - self.fitted(alpha))[self.members]  # (R, M, K)
        scores, shrunk = self.scores[self.members], self._shrunk(alpha)[self.members]  # (R, M, r)
        hat = shrunk @ scores.transpose(1, 2) + 1 / (count * size)  # (R, M, M)
        one = torch.eye(size, dtype=hat.dtype, device=hat.device)
        errors: Tensor = torch.linalg.solve(one - hat, residuals)
        return (self.targets[self.members] - errors)[:, 0]

    def solution(self, alpha: float) -> tuple[Tensor, Tensor]:
        """Return weights (K, F) and intercepts (K,) of a strength: where the gradient is 0, alpha W = X'(Y - XW)."""
        return (self.targets - self.fitted(alpha)).T @ self.features / alpha, self.targets.mean(0)

    def _shrunk(self, alpha: float) -> Tensor:
        return self.scores / (self.energies + alpha)
