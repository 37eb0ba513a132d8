"""The shipped table of equal code: what an earlier release computed with other files, and to the same bits.

Moving a file or renaming a function changes the code that keys hash, and no value. So that this makes nobody's outputs
stale, a release ships ``equal_code.json``: what `CodeIndex` read of the earlier release, and of the code that was
proved to be equal to it (``make equal-code``). Where every module that a step reaches is as it was when that was
proved, the earlier code stands for it in the step's recipe, and its key stays what it was. An edited module is in no
table. A release ships the tables of the one before, too: so a step's code is followed back as far as no value changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.keys.code import Module, reach

TABLE = Path(__file__).with_name("equal_code.json")


class EqualCode(msgspec.Struct, frozen=True):
    """Code of an earlier release, and the code that gives the same values."""

    release: str  # the earlier release
    at: str  # when the proof was made (UTC)
    checked: tuple[str, ...]  # what was computed by both, and compared to the bit
    now: dict[str, str]  # the code that was proved to be equal: module to digest of its syntax
    # The earlier release's modules, with their imports: so that its code of any step can be told.
    earlier: dict[str, Module]
    # Modules that recipes start from (of stages, sources, models and losses) to their earlier names.
    moved: dict[str, str]

    def earlier_closure(self, code: Mapping[str, str], roots: Sequence[str]) -> dict[str, str] | None:
        """Return what `roots` reached in the earlier release; None where the table says nothing of this code.

        Parameters
        ----------
        code
            What `roots` reach now: module to digest.
        """
        if any(self.now.get(module) != syntax for module, syntax in code.items()):
            return None
        names = self.earlier_roots(roots)
        # A root that the earlier release lacked is a new source, model or loss: nothing can stand for it.
        return self.closure_of(names) if all(name in self.earlier for name in names) else None

    def earlier_roots(self, roots: Sequence[str]) -> list[str]:
        """Return what the modules that recipes start from were called in the earlier release."""
        return [self.moved.get(root, root) for root in roots]

    def closure_of(self, earlier_roots: Sequence[str]) -> dict[str, str]:
        """Return what modules of the earlier release reached there, as it computed that."""
        return {name: module.syntax for name, module in reach(earlier_roots, self.earlier.get).items()}


def read_equal_code() -> tuple[EqualCode, ...]:
    """Read the tables that this release ships, the newest first; none where no code moved since the last release."""
    try:
        tables: tuple[EqualCode, ...] = msgspec.json.decode(TABLE.read_bytes(), type=tuple[EqualCode, ...])
    except FileNotFoundError:
        return ()
    return tables
