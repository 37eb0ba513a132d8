"""What Berkeley-MHAD's classes, streams and modalities are called, and how its files are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.sources.base import Modality

CLASSES = (
    "jumping_in_place", "jumping_jacks", "bending", "punching", "waving_two_hands", "waving_one_hand",
    "clapping_hands", "throwing_a_ball", "sit_down_then_stand_up", "sit_down", "stand_up",
)  # fmt: skip

PLACES = ("left-wrist", "right-wrist", "left-hip", "right-hip", "left-ankle", "right-ankle")  # of sensors 1 to 6
SENSORS = {f"shimmer{number}": number for number in range(1, len(PLACES) + 1)}  # stream: number

MODALITIES: Mapping[str, Modality] = {
    **{
        place: Modality("series", (stream,), 30.0, units=("g",) * 3)
        for place, stream in zip(PLACES, SENSORS, strict=True)
    },
    "rgb": Modality("video", ("rgb",), 22.0),
}

_NUMBER = "((?!00)[0-9][0-9])"
TRIAL = re.compile(f"s{_NUMBER}_a{_NUMBER}_r{_NUMBER}")
TRIAL_FOLDER = re.compile(f"S{_NUMBER}/A{_NUMBER}/R{_NUMBER}")
FRAME = re.compile(r"[0-9]{5}\.pgm")  # how a frame's name ends
EXAMPLE = "s01_a01_r01"


def trial(subject: int, action: int, repetition: int) -> str:
    """Name a trial as the files do, which is also its recording's id."""
    return f"s{subject:02d}_a{action:02d}_r{repetition:02d}"


def sensor_file(number: int, trial: str) -> str:
    """Name the file of one sensor's samples of one trial."""
    return f"Accelerometer/Shimmer{number:02d}/acc_h{number:02d}_{trial}.txt"


def camera_folder(camera: str) -> str:
    """Name the folder of a camera, which is called like ``l01_c01``."""
    cluster, number = camera.split("_")
    return f"Camera/Cluster{cluster[1:]}/Cam{number[1:]}"
