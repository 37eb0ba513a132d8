"""Which recording a teacher sees beside the student's: the same one, or, to see what that is worth, another."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from trainers.errors import TrainingError
from trainers.params import Pairing


class WrongPairing:
    """Draws for each recording of a batch another one: of its own class, or of any other.

    Rows are kept class after class, so that one draw finds a partner without a wait for the device.
    """

    def __init__(self, labels: Tensor, pairing: Pairing) -> None:
        self._of_class = pairing == "class"
        counts = torch.bincount(labels)
        self._order = torch.argsort(labels, stable=True)  # (N,) rows, class after class
        self._place = torch.argsort(self._order)  # (N,) where each row is among these
        self._first, self._count = (counts.cumsum(0) - counts)[labels], counts[labels]  # (N,) of the row's class
        if self._of_class and bool((counts == 1).any()):
            raise TrainingError(
                f"pairing: class {int((counts == 1).nonzero()[0])} has one training recording, and no other to pair it "
                "with; choose pairing: other-class, or add recordings"
            )
        if not self._of_class and int((counts > 0).sum()) < 2:
            raise TrainingError("pairing: the training recordings are of one class; choose pairing: class")

    def to(self, device: torch.device | str) -> WrongPairing:
        """Return the same on a device."""
        moved = copy.copy(self)
        moved._order, moved._place = self._order.to(device), self._place.to(device)
        moved._first, moved._count = self._first.to(device), self._count.to(device)
        return moved

    def draw(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Return the partners' rows (B,) of recordings `rows` (B,)."""
        first, count = self._first[rows], self._count[rows]
        others = count - 1 if self._of_class else len(self._order) - count
        drawn = torch.rand(len(rows), device=rows.device, generator=generator, dtype=torch.float64)
        place = torch.minimum((drawn * others).long(), others - 1)
        if self._of_class:
            place = place + first
            place = place + (place >= self._place[rows])  # all of the class but itself
        else:
            place = place + count * (place >= first)  # all but the class
        return self._order[place]
