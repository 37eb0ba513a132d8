"""Which recordings' soft loss counts: all, or those whose teacher is right.

A recording that is left out adds nothing to a mean over the batch, so that the others weigh what they always do; the
hard loss is of all. What is left out is decided by the teacher's vote for the recording that it sees, held against the
student's label. Published rules are other ones: PSKD (Ni et al., ACM MM 2022) lets a loss choose between teachers and
the label, C2KD (Huo et al., CVPR 2024) filters by how far both models' soft labels are aligned.
"""

from __future__ import annotations

from typing import NotRequired, cast

from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.losses.params.selected import Select


class TeacherOutput(ModelOutput):
    """A teacher's outputs, and whether its vote ``agrees`` with the label, (B,) bool."""

    agrees: NotRequired[Tensor]


def with_agreement(teacher: ModelOutput, labels: Tensor) -> TeacherOutput:
    """Return a teacher's outputs with what `followed` goes by; labels are (B,) int64."""
    return cast("TeacherOutput", {**teacher, "agrees": teacher["logits"].argmax(-1) == labels})


def followed(select: Select, teacher: ModelOutput, present: Tensor | None = None) -> Tensor | None:
    """Return which recordings' soft loss counts, (B,) bool, of those that are `present`; None: all."""
    if select == "all":
        return present
    agrees = cast("TeacherOutput", teacher)["agrees"]
    return agrees if present is None else agrees & present
