"""Code that was accepted for earlier code: the earlier stands for it in recipes, so that no key changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.keys.code import CodeIndex
from pipeline.keys.loaded_code import Code
from pipeline.lock import Accepted
from store.canonical import digest


class AcceptedCode:
    """Closures of code as recipes have them.

    Parameters
    ----------
    index
        Knows the code as it is.
    accepted
        By the digest of a whole closure: an acceptance holds for that very code and for no other.
    """

    def __init__(self, index: CodeIndex, accepted: Mapping[str, Accepted]) -> None:
        self._index = index
        self._accepted = accepted
        self._by_earlier: dict[str, Accepted] = {}
        self._running: dict[str, dict[str, str]] = {}

    def closure(self, roots: Iterable[str]) -> dict[str, str]:
        """Return what the roots reach, or the first code of a chain of acceptances that leads to it."""
        code = now = self._index.closure(roots)
        if not self._accepted:
            return code
        last = self._accepted.get(digest(code))
        entry = last
        while entry is not None:
            code = entry.code
            entry = self._accepted.get(digest(code))
        if last is not None:
            self._by_earlier[digest(code)] = last
            self._running.setdefault(digest(code), {}).update(now)
        return dict(sorted(code.items()))

    def acceptance(self, code: Mapping[str, str]) -> Accepted | None:
        """Return how a closure that `closure` gave came to stand for the code as it is; None where it is that."""
        return self._by_earlier.get(digest(dict(code))) if self._by_earlier else None

    def running(self, code: Mapping[str, str], roots: Iterable[str] = ()) -> Code:
        """Return the code as it is of a closure that `closure` gave, and of what more roots reach."""
        now = self._running.get(digest(dict(code)), code) if self._running else code
        return self._index.hashes({**now, **self._index.closure(roots)})

    def save(self) -> None:
        """Remember what was parsed."""
        self._index.save()
