"""The shipped table of equal code: what an earlier release computed with other files, and to the same bits.

Moving a file or renaming a function changes the code that keys hash, and no value. So that this makes nobody's outputs
stale, a release ships ``equal_code.json``: what `CodeIndex` read of the earlier release, and of the code that was
proved to be equal to it (``make equal-code``). Where every module that a step reaches is as it was when that was
proved, the earlier code stands for it in the step's recipe, and its key stays what it was. An edited module is in no
table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from pipeline.keys.code import Module, reach

TABLE = Path(__file__).with_name("equal_code.json")


class EqualCode(msgspec.Struct, frozen=True):
    """Code of an earlier release, and the code that gives the same values.

    Attributes
    ----------
    release
        The earlier release.
    at
        When the proof was made (UTC).
    checked
        What was computed by both, and compared to the bit.
    now
        The code that was proved to be equal: module to digest of its syntax.
    earlier
        The earlier release's modules, with their imports: so that its code of any step can be told.
    moved
        Modules that recipes start from (of stages, sources, models and losses) to their earlier names.
    """

    release: str
    at: str
    checked: tuple[str, ...]
    now: dict[str, str]
    earlier: dict[str, Module]
    moved: dict[str, str]

    def earlier_closure(self, closure: Mapping[str, str], roots: Iterable[str]) -> dict[str, str] | None:
        """Return what `roots` reached in the earlier release; None where the table says nothing of this code.

        Parameters
        ----------
        closure
            What `roots` reach now: module to digest.
        """
        if any(self.now.get(module) != syntax for module, syntax in closure.items()):
            return None
        reached = reach([self.moved.get(root, root) for root in roots], self.earlier.get)
        return {name: module.syntax for name, module in reached.items()}

    def in_present_names(self, earlier: Mapping[str, str], present: Mapping[str, str]) -> Mapping[str, str]:
        """Return what a closure of the earlier release is called now, so that an edit since then can be named.

        Parameters
        ----------
        earlier
            The closure; returned as it is where it is not of that release.
        present
            What the same roots reach now.
        """
        if any(name not in self.earlier or self.earlier[name].syntax != code for name, code in earlier.items()):
            return earlier
        return {name: self.now[name] for name in present if name in self.now}


def read_equal_code() -> EqualCode | None:
    """Read the table that this release ships; None where it ships none, because no code moved since the last one."""
    try:
        return msgspec.json.decode(TABLE.read_bytes(), type=EqualCode)
    except FileNotFoundError:
        return None
