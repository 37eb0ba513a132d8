"""Code of an earlier release that a release gives the values of: its keys stay, so that an upgrade recomputes nothing.

``equal_code.json``, beside this module, holds a table for each step back, the newest first. `equal_code_maker` writes
it, and docs/keys.md says what shows that a table is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.errors import PipelineError
from pipeline.keys.code import reachable

TABLES = Path(__file__).with_suffix(".json")


class EarlierModule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A module of the earlier release: the digest of its normalised syntax, and the modules that it needs.

    These are the modules that it imports, and the package that it lies in, within the scope of keys.
    """

    syntax: str
    needs: tuple[str, ...] = ()


class EqualCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One release's code, and that of an earlier one which gives the same values.

    Attributes
    ----------
    release
        The earlier release: its version, and the beginning of the digest of its code.
    roots
        The modules that registries name, to the modules that they named for the same things in the earlier release.
    now
        Every module of this release to the digest of its syntax; modules that change values on purpose are left out.
    earlier
        Every module of the earlier release.
    changed
        The modules that are left out of `now`.
    """

    release: str
    roots: dict[str, str]
    now: dict[str, str]
    earlier: dict[str, EarlierModule]
    changed: tuple[str, ...] = ()

    def covers(self, code: Mapping[str, str]) -> bool:
        """Tell whether every module of a closure is as this release has it."""
        now = self.now
        return all(now.get(module) == syntax for module, syntax in code.items())

    def earlier_roots(self, roots: Sequence[str]) -> tuple[str, ...] | None:
        """Return what registries named earlier instead of these roots; None where one of them is new."""
        names = self.roots
        return tuple(names[root] for root in roots) if all(root in names for root in roots) else None

    def earlier_closure(self, roots: Sequence[str]) -> dict[str, str]:
        """Return the closure of roots as the earlier release computed it, sorted by name."""
        earlier = self.earlier
        return {module: earlier[module].syntax for module in reachable(roots, lambda name: earlier[name].needs)}


def read_tables(path: Path = TABLES) -> tuple[EqualCode, ...]:
    """Read the tables that this release ships; none where it ships none. PipelineError where the file is damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[EqualCode, ...])
    except FileNotFoundError:
        return ()
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise PipelineError(f"{path}: not a table of equal code: {error}\n  install harvest again") from None
