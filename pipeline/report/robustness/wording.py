"""How conditions are said: in a line, and as the heading of those of a kind."""

from __future__ import annotations

from trainers.robustness.conditions import Condition, Harm

ALL = "all sensors"
ABSENT = "absent"
TITLES: dict[Harm, str] = {
    "noise": "white noise",
    "packet_loss": "lost packets",
    "saturation": "saturation",
    "clock_offset": "a late clock",
    "clock_drift": "a fast clock",
    "rotation": "turned mounting",
}


def kind_of(condition: Condition) -> str:
    """Return the heading that a condition stands below; empty where no sensor is absent or harmed."""
    return TITLES[condition.harm] if condition.harm else ABSENT if condition.absent else ""


def condition_text(condition: Condition) -> str:
    """Say what a condition is: ``inertial: white noise, 10 dB``."""
    if condition.harm:
        return f"{condition.modality}: {TITLES[condition.harm]}, {strength_text(condition)}"
    return f"{' and '.join(condition.absent)} {ABSENT}" if condition.absent else ALL


def strength_text(condition: Condition) -> str:
    """Say how strong a harm is, with its unit."""
    strength = condition.strength or 0.0
    match condition.harm:
        case "noise":
            return f"{strength:g} dB"
        case "packet_loss" | "clock_drift":
            return f"{100 * strength:g} %"
        case "saturation":
            return f"{strength:g} of the range"
        case "clock_offset":
            return f"{strength:g} s"
        case "rotation":
            return f"{strength:g}°"
    return ""
