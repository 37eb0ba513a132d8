"""What MMAct's classes, streams and modalities are called, and how its files are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.sources.base import Modality

CLASSES = (
    "carrying", "carrying_heavy", "carrying_light", "checking_time", "closing", "crouching", "drinking",
    "entering", "exiting", "fall", "jumping", "kicking", "loitering", "looking_around", "opening",
    "picking_up", "pocket_in", "pocket_out", "pointing", "pulling", "pushing", "running", "setting_down",
    "sitting", "sitting_down", "standing", "standing_up", "talking", "talking_on_phone", "throwing",
    "transferring_object", "using_pc", "using_phone", "walking", "waving_hand",
)  # fmt: skip

SENSORS = {  # stream: folder
    "acc_phone": "acc_phone_clip",
    "acc_watch": "acc_watch_clip",
    "gyro": "gyro_clip",
    "orientation": "orientation_clip",
}
VIDEOS = "trimmed_"  # how the names of the folders with videos begin

MODALITIES: Mapping[str, Modality] = {
    "rgb": Modality("video", ("rgb",), 30.0),
    "phone": Modality("series", ("acc_phone",), 100.0, units=("m/s2",) * 3),
    "watch": Modality("series", ("acc_watch",), 100.0, units=("m/s2",) * 3),
    "gyroscope": Modality("series", ("gyro",), 50.0),
    "orientation": Modality("series", ("orientation",), 50.0),
    "inertial": Modality("series", tuple(SENSORS), 100.0),
}

SENSOR_FILE = re.compile(
    r"subject(?P<subject>[1-9]\d*)/scene(?P<scene>[1-9]\d*)/session(?P<session>[1-9]\d*)/(?P<action>[^/]+)\.csv"
)
VIDEO_FILE = re.compile(
    r"subject(?P<subject>[1-9]\d*)/cam(?P<cam>[1-9]\d*)/"
    r"scene(?P<scene>[1-9]\d*)/session(?P<session>[1-9]\d*)/(?P<action>[^/]+)\.mp4"
)
SENSOR_EXAMPLE = "subject1/scene1/session1/carrying.csv"
VIDEO_EXAMPLE = "subject1/cam1/scene1/session1/carrying.mp4"
