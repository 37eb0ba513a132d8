"""Patterns of paths with named parts: ``watch/S{subject}A{label}T{session}.csv``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

PART = "part"  # files that differ in this alone are one stream's, in its order
_TOKEN = re.compile(r"\{\{|\}\}|\{[^{}/]*\}|\{|\}|\[\[|\]\]|\[|\]|\*\*/|\*\*|\*|\?")
_NAME = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(?::(d|a))?")
_KINDS = {None: r"[^/]+?", "d": r"\d+", "a": r"[^\W\d_]+"}
_WILD = {
    "**/": r"(?:.*/)?",
    "**": r".*",
    "*": r"[^/]*",
    "?": r"[^/]",
    "{{": r"\{",
    "}}": r"\}",
    "[[": r"\[",
    "]]": r"\]",
}


class PatternError(ValueError):
    """A text is no pattern; the message is what is wrong, and after ``;`` the remedy."""


@dataclass(frozen=True)
class Pattern:
    """A path below the root, with parts that say whose a file is.

    ``{name}`` stands for a part of a folder's or file's name, ``{name:d}`` for digits, ``{name:a}`` for letters; ``*``
    for anything within a name, ``?`` for one character, ``**`` for any folders. What stands in brackets, with a part
    at least, may be missing: ``S{subject}[_{session}].csv``. ``{{``, ``}}``, ``[[`` and ``]]`` stand for braces and
    brackets. A name that stands twice is the same both times.

    Attributes
    ----------
    names
        Of the parts, but ``part``, in their order.
    optional
        Those that may be missing; they are empty then.
    """

    text: str
    names: tuple[str, ...]
    optional: frozenset[str]
    _regex: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern; PatternError where it is none."""
        if not text or text.startswith("/") or ".." in text.split("/") or "\\" in text:
            raise PatternError(f"{text!r} is no path below the root; write folders with `/`, without `..`")
        names: list[str] = []
        optional: set[str] = set()
        begun: int | None = None  # how many names there were before a bracket
        regex, at = "", 0
        for token in _TOKEN.finditer(text):
            regex += re.escape(text[at : token.start()])
            at = token.end()
            if (wild := _WILD.get(token[0])) is not None:
                regex += wild
                continue
            if token[0] in "[]":
                if (begun is None) != (token[0] == "[") or begun == len(names):
                    remedy = "write [_{session}] for what may be missing, and brackets themselves twice"
                    raise PatternError(f"{text!r}: brackets hold a part, and no brackets; {remedy}")
                optional |= {*names[begun:]} if begun is not None else set()
                begun = len(names) if begun is None else None
                regex += "(?:" if token[0] == "[" else ")?"
                continue
            match = _NAME.fullmatch(token[0][1:-1]) if len(token[0]) > 2 else None
            if match is None:
                remedy = "a part is a name in braces, such as {subject}; braces themselves are written twice"
                raise PatternError(f"{text!r}: {token[0]!r} is no part; {remedy}")
            name, kind = match.groups()
            regex += f"(?P={name})" if name in names else f"(?P<{name}>{_KINDS[kind]})"
            names.append(name)
        if begun is not None:
            raise PatternError(f"{text!r}: a bracket does not end; add ], or write brackets themselves twice")
        regex += re.escape(text[at:])
        return cls(text, tuple(dict.fromkeys(name for name in names if name != PART)), frozenset(optional), regex)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parts of a path that fits; None for others."""
        if not path.endswith(self._end):  # which tells most files of other streams apart
            return None
        found = self.compiled.fullmatch(path)
        return None if found is None else found.groupdict("")

    @cached_property
    def sorted_names(self) -> tuple[str, ...]:
        """The names in the order of the alphabet."""
        return tuple(sorted(self.names))

    @cached_property
    def _end(self) -> str:
        return re.split(r"[][{}*?]", self.text)[-1]

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The regular expression of whole paths."""
        return re.compile(self._regex, re.DOTALL)


def escaped(text: str) -> str:
    """Return a pattern that only a path of that very name fits, but for ``*`` and ``?``."""
    return re.sub(r"[][{}]", lambda match: 2 * match[0], text)


@lru_cache(100_000)
def plain(value: str) -> str:
    """Return a part as it is compared and shown: numbers without padding, so that 07 and 7 are one subject."""
    value = value.strip()
    return value.lstrip("0") or "0" if value.isascii() and value.isdigit() else value
