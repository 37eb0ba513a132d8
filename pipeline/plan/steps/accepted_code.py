"""Code that gives the values of earlier code: the earlier stands for it in recipes, so that no key changes.

That is known from the table that a release ships (`equal_code`), or from the lock, where ``pipeline accept`` wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.keys.code import CodeIndex
from pipeline.keys.loaded_code import Code
from pipeline.lock import Accepted
from pipeline.plan.steps.equal_code import EqualCode
from store.canonical import digest


class AcceptedCode:
    """Closures of code as recipes have them.

    Parameters
    ----------
    index
        Knows the code as it is.
    accepted
        Of the lock, by the digest of a whole closure: an acceptance holds for that very code and for no other.
    equal
        The table that this release ships; None: it ships none, or the stages file refuses it.
    """

    def __init__(self, index: CodeIndex, accepted: Mapping[str, Accepted], equal: EqualCode | None = None) -> None:
        self._index = index
        self._accepted = accepted
        self._equal = equal
        self._by_earlier: dict[str, Accepted] = {}
        self._running: dict[str, dict[str, str]] = {}

    def closure(self, roots: Iterable[str]) -> dict[str, str]:
        """Return what the roots reach, or the first code of the chain of acceptances that leads to it."""
        roots = list(roots)
        code = present = self._index.closure(roots)
        last, code = self._follow_lock(code)
        if last is None and self._equal and (earlier := self._equal.earlier_closure(present, roots)):
            last = _of_release(self._equal, earlier)
            locked, code = self._follow_lock(earlier)
            last = locked or last
        if last is not None:
            self._by_earlier[digest(code)] = last
            self._running.setdefault(digest(code), {}).update(present)
        return dict(sorted(code.items()))

    def _follow_lock(self, code: dict[str, str]) -> tuple[Accepted | None, dict[str, str]]:
        """Return the lock's acceptance of some code, if there is one, and the earliest code that it leads to."""
        last = self._accepted.get(digest(code)) if self._accepted else None
        entry = last
        while entry is not None:
            code = entry.code
            entry = self._accepted.get(digest(code))
        return last, code

    def acceptance(self, code: Mapping[str, str]) -> Accepted | None:
        """Return how a closure that `closure` gave came to stand for the code as it is; None where it is that."""
        return self._by_earlier.get(digest(dict(code))) if self._by_earlier else None

    def in_present_names(self, earlier: Mapping[str, str], present: Mapping[str, str]) -> Mapping[str, str]:
        """Return an earlier recipe's code as it can be compared with a present one, file by file."""
        return self._equal.in_present_names(earlier, present) if self._equal else earlier

    def running(self, code: Mapping[str, str], roots: Iterable[str] = ()) -> Code:
        """Return the code as it is of a closure that `closure` gave, and of what more roots reach."""
        present = self._running.get(digest(dict(code)), code) if self._running else code
        return self._index.hashed({**present, **self._index.closure(roots)})

    def save(self) -> None:
        """Remember what was parsed."""
        self._index.save()


def _of_release(equal: EqualCode, earlier: dict[str, str]) -> Accepted:
    return Accepted(
        entry="",
        checked=equal.checked,
        code=earlier,
        by=f"the table that this release ships for {equal.release}",
        at=equal.at,
        difference={},
        tolerance=0.0,
    )
