"""HTML and SVG elements; every text that is not markup already is escaped, whatever it holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from html import escape

from pipeline.terminal import harmless

_VOID = frozenset(("br", "input", "link", "meta"))
_SHAPES = frozenset(("circle", "line", "path", "polyline", "rect", "use"))  # written as <rect/>


class Markup(str):
    """Text that is markup."""

    __slots__ = ()


def element(name: str, /, *content: str | Iterable[str], **attributes: str | float | bool | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    content
        Markup stays as it is; other text is escaped.
    attributes
        ``class_`` is ``class``, ``data_m`` is ``data-m``. None and False leave one out, True gives it no value.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        spelt = key.rstrip("_").replace("_", "-")
        parts.append(spelt if value is True else f'{spelt}="{escape(_text(value))}"')
    opened = " ".join(parts)
    if name in _SHAPES and not content:
        return Markup(f"<{opened}/>")
    return Markup(f"<{opened}>" if name in _VOID else f"<{opened}>{joined(*content)}</{name}>")


def joined(*content: str | Iterable[str], by: str = "") -> Markup:
    """Return texts and markup one after the other."""
    parts = (part for each in content for part in ([each] if isinstance(each, str) else each))
    return Markup(by.join(part if isinstance(part, Markup) else escape(harmless(part)) for part in parts))


def prose(text: str) -> Markup:
    """Return a text in which what stands in backquotes is code, and no option is broken at its hyphens."""
    parts = [_with_whole_options(part) for part in text.split("`")]
    return joined(element("code", part) if at % 2 else part for at, part in enumerate(parts))


def setting_code(setting: str) -> Markup:
    """Return a setting as code that a shell takes: ``--set fit.lr=0.1``."""
    return element("code", _with_whole_options("--set"), f" {shlex.quote(setting)}")


def _with_whole_options(text: str) -> Markup:
    parts = re.split(r"(--[a-z][a-z-]*)", text)
    return joined(element("span", part, class_="whole") if at % 2 else part for at, part in enumerate(parts))


def number(value: float) -> str:
    """Write a coordinate: two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def _text(value: str | float) -> str:
    return harmless(value) if isinstance(value, str) else number(value)
