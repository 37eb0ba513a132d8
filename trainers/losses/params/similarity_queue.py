"""Parameters of `trainers.losses.similarity_queue`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from trainers.losses.params.weighted import Temperature, WeightedParams


class SimilarityQueueParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of COMODO's loss; temperatures are those of the authors' code.

    Attributes
    ----------
    queue
        How many of the teacher's embeddings are kept. Theirs are 16,384, of data sets of tens of thousands of clips.
    student_temperature, teacher_temperature
        Sharpen the distributions of similarities, which lie in -1 to 1.
    """

    queue: Annotated[int, Meta(ge=1, le=1_000_000)] = 1024
    student_temperature: Temperature = 0.05
    teacher_temperature: Temperature = 0.1
