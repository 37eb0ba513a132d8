"""The gate: the exported file says of raw recordings what the trained network says of their stored features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.export.raw_data import RawData
from pipeline.edge.runtime.batch import padded
from pipeline.edge.runtime.model import Model
from pipeline.errors import StepError
from pipeline.stages.context import Context
from pipeline.stages.train.features import read_recordings
from trainers.data.inputs import ImageInput, Input
from trainers.data.recordings import RecordingData
from trainers.fit.predict import predict

TOLERANCE = 1e-4  # of any probability, where a network does not say another
BATCHES = (1, 2, 7)


@dataclass(frozen=True)
class Reference:
    """What the trained network says of some recordings, by their stored features, in float32.

    `tolerance` is how far a probability may be off: models that count samples above a level (``export_tolerance``)
    count one more or less where the last bit of a sample differs.
    """

    rows: Sequence[int]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]  # (N, K)
    tolerance: float = TOLERANCE

    @property
    def top1(self) -> float:
        """Share of right answers."""
        return float((self.probabilities.argmax(1) == self.labels).mean())


def reference(network: object, context: Context, side: str, inputs: Sequence[str]) -> Reference:
    """Return what a network says of one side of its fold; images are drawn anew, not read as they were rounded."""
    data, kept = read_recordings(context, side, inputs)  # type: ignore[arg-type]
    fresh: list[Input] = [
        replace(each, images=None) if isinstance(each, ImageInput) else each for each in data.inputs.values()
    ]
    prediction = predict(network, RecordingData(fresh, data.labels))  # type: ignore[arg-type]
    rows = [context.work[side][place][0] for place in kept]
    tolerance = float(getattr(getattr(network, "model", None), "export_tolerance", TOLERANCE))
    return Reference(rows, data.labels.numpy(), prediction.probabilities.numpy(), tolerance)


def exported_probabilities(model: Model, data: RawData, rows: Sequence[int], batch: int) -> NDArray[np.float32]:
    """Return what an exported model says of raw recordings, so many at a time, (N, K)."""
    found = [
        model.probabilities(padded([data.read(row) for row in rows[start : start + batch]]))
        for start in range(0, len(rows), batch)
    ]
    return np.concatenate(found)


def check_parity(model: Model, data: RawData, expected: Reference) -> Mapping[str, float]:
    """Return the greatest difference of any probability by batch size; StepError where it is beyond the tolerance."""
    differences = {}
    for batch in BATCHES:
        found = exported_probabilities(model, data, expected.rows, batch)
        gaps = np.abs(found - expected.probabilities).max(1)
        if not (gaps <= expected.tolerance).all():
            worst = int(np.nan_to_num(gaps, nan=np.inf).argmax())
            raise StepError(
                f"{model.card.step}: the exported file differs from the trained model by {gaps[worst]:.2g} in a "
                f"probability of {data.id(expected.rows[worst])} (batches of {batch}); "
                f"{expected.tolerance:g} at most may be\n"
                "  nothing was written; with dtype: float16 in encode, features are rounded as no graph rounds them"
            )
        differences[str(batch)] = float(gaps.max())
    return differences
