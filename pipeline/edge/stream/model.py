"""What recognition asks of a model, whoever runs it; and an exported one, which looks at what it is given first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.edge.card import Card, StreamInput, time_input
from pipeline.edge.runtime.plausible import implausible
from pipeline.edge.runtime.recordings import RATE_TOLERANCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.edge.runtime.model import Model as RuntimeModel

_LOOKED_AT = 20  # windows


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


class Exported:
    """An exported model, which tells once a stream where its first windows are not like what it was trained on.

    Parameters
    ----------
    tell
        Gets the text.
    """

    def __init__(self, model: RuntimeModel, tell: Callable[[str], None]) -> None:
        self._model = model
        self._tell = tell
        self._left = {each.name: _LOOKED_AT for each in model.card.streams}

    @property
    def card(self) -> Card:
        """What the file says of itself."""
        return self._model.card

    @property
    def classes(self) -> Sequence[str]:
        """See `Model`."""
        return self.card.classes

    @property
    def streams(self) -> Sequence[StreamInput]:
        """See `Model`."""
        return self.card.streams

    def probabilities(self, batch: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """See `Model`."""
        for stream in self.streams:
            if self._left[stream.name]:
                odd = _odd(stream, batch[stream.name][0], batch[time_input(stream.name)][0])
                self._left[stream.name] = 0 if odd else self._left[stream.name] - 1
                if odd:
                    self._tell(f"stream {stream.name}: {odd}")
        return self._model.probabilities(batch)


def _odd(stream: StreamInput, values: NDArray[Any], times: NDArray[np.float64]) -> str:
    """Return what is odd about a window; empty where nothing is."""
    if len(times) > 1:
        rate = (len(times) - 1) / float(times[-1] - times[0])
        if abs(rate - stream.rate) > RATE_TOLERANCE * stream.rate:
            return f"it comes at {rate:.3g} Hz, and the model was trained at {stream.rate:g} Hz"
    return implausible(stream, values)
