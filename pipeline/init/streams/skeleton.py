"""A skeleton's keys: layout, vertical and unit, by geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.init.question import Question
from pipeline.init.streams.joints import counts, in_picture, layout_of, length_unit, up_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def skeleton_keys(
    values: NDArray[np.float64], names: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, str], list[Question]]:
    """Return the keys of a skeleton's stream, comments on them, and what is open.

    Parameters
    ----------
    values
        (T, joints, 3).
    names
        Of the joints, where the files say them.
    """
    from pipeline.sources.skeletons import layout

    name, others = layout_of(values)
    count = values.shape[1]
    keys: dict[str, Any] = {}
    comments: dict[str, str] = {}
    questions: list[Question] = []
    if name:
        keys["joints"] = name
        if len(others) > 1:
            comments["joints"] = f"by geometry: of {' and '.join(others)} it is this one whose limbs and head fit"
        else:
            comments["joints"] = "by its number of joints and its geometry"
        if (up := up_of(values, name)) != layout(name).up:
            keys["up"] = up
            comments["up"] = "shoulders are above feet on this axis"
        unit = "raw" if (flat := in_picture(values)) else length_unit(values, name)
        keys["units"] = unit
        if flat:
            comments["units"] = "x and y are parts of a picture's width and height, 0 to 1: no lengths"
        elif unit == "raw":
            comments["units"] = "the trunk is neither half a metre long in m nor in mm: lengths stay as they are"
    elif names and not all(each.isdigit() for each in names):
        keys["joints"] = [*names]
        comments["joints"] = "as the files' columns call them"
    else:
        known = ", ".join(others) or "no layout that is known"
        comments[""] = f"{count} joints ({known}): geometry does not decide, so nothing is centred or scaled"
        choices = tuple((each, f"{count} joints") for each in others)
        if choices:
            text = f"which layout do its {count} joints have? geometry does not decide"
            questions.append(Question("joints", text, choices, None))
    return keys, comments, questions


def is_layout(count: int) -> bool:
    """Tell whether a layout has so many joints."""
    return count in counts()
