"""Figures: their size, fonts and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by people who see fewer; the yellow, too light for lines on white, comes last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
GREY = "#8a8a8a"
WIDTH = 11.0  # inches
MAP = "cividis"


def new_figure(height: float, title: str) -> Figure:
    """Return an empty figure, `height` inches high, with its title at the upper left; no window is opened."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    figure.text(0.15 / WIDTH, 1 - 0.12 / height, literal(title), fontsize=13, fontweight="bold", va="top")
    return figure


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes; inches from the figure's upper left."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def heading(axes: Axes, text: str) -> None:
    """Write what a panel shows above it, at its left."""
    axes.set_title(literal(text), loc="left", fontsize=9, pad=4)


def small(axes: Axes) -> None:
    """Let the labels of a panel be small, and its frame light."""
    axes.tick_params(labelsize=8, length=2.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def literal(text: str) -> str:
    """Return a text in which a dollar sign begins no formula."""
    return text.replace("$", r"\$")
