"""What recognition asks of a model, whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.edge.card import StreamInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Model(Protocol):
    """A function of windows of raw samples; its inputs are those of `pipeline.edge.card.StreamInput`."""

    @property
    def classes(self) -> Sequence[str]:
        """Names, in the order of the probabilities."""
        ...

    @property
    def streams(self) -> Sequence[StreamInput]:
        """What goes in."""
        ...

    def probabilities(self, batch: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return (B, K) probabilities of values (B, T, *sample) and times (B, T), by the names of the inputs."""
        ...
