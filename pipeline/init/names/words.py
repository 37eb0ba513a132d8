"""Words that names of files and columns are made of, and what they mean to most people."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONG, _SHORT, _WEAK = 3.0, 2.0, 1.5
PREFIXES: dict[str, dict[str, float]] = {
    "subject": {
        **dict.fromkeys(
            ["subject", "subj", "sub", "participant", "part", "person", "user", "patient", "volunteer", "proband",
             "actor", "performer", "pid", "uid", "sid"], _LONG),
        **dict.fromkeys(["s", "p", "u"], _SHORT),
    },
    "label": {
        **dict.fromkeys(["action", "activity", "act", "label", "class", "cls", "gesture", "task", "motion", "exercise",
                         "ex", "adl", "fall"], _LONG),
        **dict.fromkeys(["a", "g"], _SHORT),
    },
    "session": {
        **dict.fromkeys(["trial", "rep", "repetition", "take", "session", "sess", "ses", "run", "try", "execution",
                         "attempt", "day"], _LONG),
        **dict.fromkeys(["img", "vid", "mov", "dsc", "gopr", "gx", "rec", "recording", "clip", "file"], _LONG),
        **dict.fromkeys(["t", "r"], _SHORT),
        **dict.fromkeys(["e", "n", "i", "no"], _WEAK),
    },
    "view": {**dict.fromkeys(["cam", "camera", "view", "kinect"], _LONG), **dict.fromkeys(["c", "v"], _WEAK)},
    "scene": {**dict.fromkeys(["scene", "room", "place", "env", "setup", "location"], _LONG)},
}  # fmt: skip

STREAMS = {
    "acc", "accel", "accelerometer", "acceleration", "accelerometers", "gyr", "gyro", "gyroscope", "gyroscopes", "mag",
    "magnetometer", "inertial", "imu", "imus", "skeleton", "skeletons", "skel", "skl", "pose", "joints", "depth", "rgb",
    "video", "videos", "color", "colour", "ir", "infrared", "watch", "smartwatch", "phone", "smartphone", "wrist",
    "ankle", "hip", "chest", "waist", "pocket", "thigh", "shin", "arm", "forearm", "upperarm", "head", "foot", "hand",
    "sensor", "sensors", "device", "shimmer", "orientation", "rotation", "gravity", "linear", "ecg", "emg", "eeg",
    "ppg", "hr", "heartrate", "mocap", "keypoints", "openpose", "mediapipe", "barometer", "temperature", "meta",
    "metawear", "glasses", "earable", "belt", "backpack", "node", "mat", "motion",
}  # fmt: skip
_SIDES = {"left", "right", "l", "r", "lower", "upper"}

_ACTIVITIES = {
    "curl", "static", "march", "step", "tap", "twist", "rotate", "iron", "ironing", "wash", "vacuum",
    "walk", "run", "jog", "sit", "stand", "lie", "lying", "lay", "laying", "jump", "climb", "stair", "stairs", "bend",
    "wave", "clap", "throw", "catch", "push", "pull", "kick", "punch", "box", "squat", "lunge", "swipe", "knock",
    "draw", "cycle", "cycling", "bike", "biking", "row", "swim", "eat", "drink", "type", "write", "read", "cook",
    "clean", "brush", "sweep", "fall", "falling", "falls", "adl", "pick", "lift", "carry", "open",
    "close", "reach", "stretch", "turn", "rest", "sleep", "dance", "play", "talk", "phone", "drive", "upstairs",
    "downstairs", "idle", "still", "standing", "sitting", "walking", "running", "jogging", "jumping", "hop", "skip",
    "crawl", "kneel", "point", "nod", "shake", "press", "plank", "situp", "pushup", "burpee", "bow", "bowling",
    "swing", "serve", "none", "null", "other",
}  # fmt: skip
_MODIFIERS = {"up", "down", "left", "right", "still", "slow", "fast", "in", "out", "forward", "backward", "low"}
_ANNOTATIONS = {
    "label",
    "labels",
    "annotation",
    "annotations",
    "segments",
    "events",
    "markers",
    "groundtruth",
    "channels",
}
_GROUPS = {"young", "old", "elderly", "adult", "adults", "child", "children", "male", "female", "men", "women",
           "healthy", "patients", "control", "controls", "train", "training", "test", "testing", "val", "validation",
           "indoor", "outdoor"}  # fmt: skip


def words_of(text: str) -> list[str]:
    """Split a name into lower-case words, at separators, digits and capitals."""
    return [each.lower() for each in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+", text)]


def is_stream(text: str) -> bool:
    """Tell whether a name says which sensor or device it is of, as ``Shimmer01`` and ``left_wrist`` do."""
    words = words_of(text)
    return any(word in STREAMS for word in words) and not any(word in _ACTIVITIES - STREAMS for word in words)


def is_annotation(text: str) -> bool:
    """Tell whether a name says that a file has labels, not samples."""
    return any(word in _ANNOTATIONS for word in words_of(text))


def is_activity(text: str) -> bool:
    """Tell whether a name is that of something people do."""
    words = words_of(text)
    return any(word in _ACTIVITIES or _stem(word) in _ACTIVITIES for word in words)


def is_modifier(text: str) -> bool:
    """Tell whether a word says how or where to something is done."""
    return text.lower() in _MODIFIERS


def is_group(values: Iterable[str]) -> bool:
    """Tell whether names are those of groups of people or of parts of a data set."""
    return all(value.lower() in _GROUPS for value in values)


def is_side(text: str) -> bool:
    """Tell whether a word says which of two like devices it is of."""
    return text.lower() in _SIDES


def _stem(word: str) -> str:
    for end in ("ing", "s", "ed"):
        stem = word.removesuffix(end)
        if stem != word and len(stem) > 2:
            if len(stem) > 3 and stem[-1] == stem[-2]:
                stem = stem[:-1]
            return stem if stem in _ACTIVITIES or f"{stem}e" not in _ACTIVITIES else f"{stem}e"
    return word
