"""Where the joints of bodies stand in a frame of a JSON export, in any of the ways in which programs write them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.sources.broken_file import BrokenFileError

FRAMES = ("frames", "data", "results")
_BODIES = ("people", "bodies", "Bodies", "persons", "skeletons", "users")
_JOINTS = (  # those in space before those in the picture
    "pose_world_landmarks", "poseWorldLandmarks", "world_landmarks", "worldLandmarks",
    "pose_keypoints_3d", "joint_positions", "keypoints3D", "keypoints_3d", "joints", "Joints",
    "landmarks", "pose_landmarks", "poseLandmarks", "landmark", "keypoints", "pose_keypoints_2d",
)  # fmt: skip
_IDS = ("body_id", "bodyId", "person_id", "track_id", "TrackingId", "trackingId", "id")
_FLAT = {"pose_keypoints_2d": 2, "pose_keypoints_3d": 3}  # numbers of a place, which a confidence follows


@dataclass(frozen=True)
class Body:
    """One person in one frame: (x, y, z) of each joint, NaN where it was not seen; `flat` where z is made 0."""

    id: int | str | None
    joints: Sequence[tuple[float, float, float]]
    flat: bool


def bodies_of(frame: Any, key: str = "") -> list[Body]:
    """Find the bodies of a frame; none where it has none.

    Parameters
    ----------
    key
        What the list of joints is called; found out where left out.

    Raises
    ------
    BrokenFileError
        It is in none of the ways that are known.
    """
    if isinstance(frame, Mapping):
        for name in _BODIES:
            if isinstance(frame.get(name), list):
                return [each for body in frame[name] for each in bodies_of(body, key)]
        name = key if key in frame else "" if key else next((each for each in _JOINTS if frame.get(each)), "")
        if name:
            return _in(frame[name], _id(frame), name)
        if key or any(each in frame for each in _JOINTS) or not frame:
            return []
        if all(_is_joint(value) for value in frame.values()):
            return [_body([*frame.values()], None)]
        raise BrokenFileError(
            f"has no list of joints; its frames have {', '.join(map(str, frame))[:80]}: say which in key"
        )
    return _in(frame, None, "")


def _in(found: Any, id: int | str | None, name: str) -> list[Body]:
    if isinstance(found, Mapping):
        if isinstance(found.get("landmark"), list):
            return _in(found["landmark"], id, "")
        return [_body([*found.values()], id)] if found else []
    if not isinstance(found, list):
        raise BrokenFileError(f"has {type(found).__name__} where a list of joints is expected")
    if not found:
        return []
    if all(isinstance(each, (int, float)) for each in found):
        return [_flat(found, id, name)]
    if all(_is_joint(each) for each in found):
        return [_body(found, id)]
    return [body for each in found for body in bodies_of(each)]  # several bodies


def _id(body: Mapping[str, Any]) -> int | str | None:
    """Return a body's number; none where it was not followed, which OpenPose writes as [-1]."""
    found = next((body[name] for name in _IDS if name in body), None)
    if isinstance(found, list):
        found = found[0] if len(found) == 1 else None
    return found if isinstance(found, (int, str)) and found != -1 else None


def _is_joint(found: Any) -> bool:
    if isinstance(found, Mapping):
        place = _place(found)
        return place is not found or ("x" in found and "y" in found) or ("X" in found and "Y" in found)
    return isinstance(found, list) and len(found) in (2, 3, 4) and all(isinstance(each, (int, float)) for each in found)


def _place(joint: Any) -> Any:
    if isinstance(joint, Mapping):
        return next((joint[name] for name in ("position", "Position") if name in joint), joint)
    return joint


def _body(joints: Sequence[Any], id: int | str | None) -> Body:
    found, flat = [], True
    for joint in joints:
        if joint is None:
            found.append((math.nan,) * 3)
            continue
        place = _place(joint)
        if isinstance(place, Mapping):
            place = [place[name] for name in ("xyz" if "x" in place else "XYZ") if name in place]
        if not isinstance(place, list) or len(place) < 2:
            raise BrokenFileError(f"has a joint without x and y: {str(joint)[:60]}")
        flat = flat and len(place) < 3
        found.append(_triple(place[:3]))
    return Body(id, found, flat)


def _flat(numbers: Sequence[float], id: int | str | None, name: str) -> Body:
    size = _FLAT.get(name)
    step = 3 if size is None else size + 1
    if len(numbers) % step:
        raise BrokenFileError(f"`{name or 'a frame'}` has {len(numbers)} numbers, not {step} for each joint")
    found = []
    for at in range(0, len(numbers), step):
        seen = size is None or numbers[at + size] > 0  # OpenPose writes zeros for what it did not see
        found.append(_triple(numbers[at : at + (size or 3)]) if seen else (math.nan,) * 3)
    return Body(id, found, size == 2)


def _triple(place: Sequence[Any]) -> tuple[float, float, float]:
    try:
        x, y, *z = (math.nan if each is None else float(each) for each in place)
    except (TypeError, ValueError):
        raise BrokenFileError(f"has a joint that is no numbers: {str(place)[:60]}") from None
    return x, y, z[0] if z else 0.0
