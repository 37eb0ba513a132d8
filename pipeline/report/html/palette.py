"""Colours: light, dark, and of pictures that stand alone.

Those of models are Okabe and Ito's hues, which people who see fewer colours tell apart, made darker (on white) or
lighter (on black) until each has three times the contrast of its ground; each model has a shape of its own, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SERIES = 7  # models that a picture tells apart

LIGHT: Mapping[str, str] = {
    "ground": "#ffffff", "panel": "#f6f7f8", "ink": "#1b1f23", "soft": "#57606a", "rule": "#d8dde3", "grid": "#e8ebee",
    "accent": "#0b62a4", "shade": "#0b62a4", "on-shade": "#ffffff", "warn": "#fff4d6", "good": "#0a6b4d",
    "s0": "#0072b2", "s1": "#c75000", "s2": "#008060", "s3": "#b04a86", "s4": "#a87400", "s5": "#3a8fc4",
    "s6": "#4a4f55",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "ground": "#14171a", "panel": "#1d2125", "ink": "#e8eaed", "soft": "#a3abb4", "rule": "#3a4149", "grid": "#2a2f35",
    "accent": "#7cc0f0", "shade": "#56b4e9", "on-shade": "#0b1015", "warn": "#3b3215", "good": "#4fc79c",
    "s0": "#4aa8e0", "s1": "#f08040", "s2": "#2fbf92", "s3": "#dd8fb9", "s4": "#e6a93a", "s5": "#8fd0f5",
    "s6": "#b8bec5",
}  # fmt: skip


def variables(colours: Mapping[str, str]) -> str:
    """Write colours as CSS variables."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def resolved(css: str) -> str:
    """Replace variables by the light colours, for programs that know none."""
    return re.sub(r"var\(--([\w-]+)\)", lambda found: LIGHT[found[1]], css)
