"""The code of a step as its recipe has it: earlier code, where that is known to give the same values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.keys.code import CodeIndex
from pipeline.keys.loaded_code import CodeHashes
from pipeline.lock import Accepted
from pipeline.plan.steps.equal_code import EqualCode
from pipeline.plan.steps.step import StepCode
from store.canonical import digest


class CodeResolver:
    """Finds the earlier code that stands for the code as it is, so that no key changes.

    Parameters
    ----------
    index
        Knows the code as it is.
    accepted
        The lock's, by the digest of a whole closure: an acceptance holds for that very code and for no other.
    tables
        Those that this release ships, the newest first; none where the stages file refuses them.
    """

    def __init__(self, index: CodeIndex, accepted: Mapping[str, Accepted], tables: Sequence[EqualCode] = ()) -> None:
        self._index = index
        self._accepted = accepted
        self._tables = tables

    def resolve(self, roots: Sequence[str]) -> StepCode:
        """Return the code that the roots reach, and the earliest that acceptances and tables lead to."""
        names: Sequence[str] | None = roots
        present = code = self._index.closure(roots)
        code, acceptance = self._follow_lock(code)
        release = ""
        # The lock comes first: whoever accepted this very code has outputs with what they accepted it for.
        for table in self._tables:
            if (names := table.earlier_roots(names)) is None:
                break
            if table.covers(code):
                release = table.release
                code, earlier = self._follow_lock(table.earlier_closure(names))
                acceptance = acceptance or earlier
        return StepCode(tuple(roots), present, dict(sorted(code.items())), acceptance, release)

    def by_present_names(self, code: StepCode, old: Mapping[str, str]) -> Mapping[str, str]:
        """Return an earlier recipe's code as the newest release has it, where a table lists it for a step's roots.

        What differs from `code.present` is then what was edited since that release, and not every file that moved.
        """
        names: Sequence[str] | None = code.roots
        for table in self._tables:
            if (names := table.earlier_roots(names)) is None:
                break
            if table.earlier_closure(names) == old:
                now = self._tables[0].now
                return {module: now[module] for module in code.present if module in now}
        return old

    def running(self, code: StepCode, roots: Iterable[str] = ()) -> CodeHashes:
        """Return the hashes of the code as it is, of a step and of what more roots reach."""
        return self._index.hashes({**code.present, **self._index.closure(roots)})

    def save(self) -> None:
        """Remember what was parsed."""
        self._index.save()

    def _follow_lock(self, code: dict[str, str]) -> tuple[dict[str, str], Accepted | None]:
        """Return the first code of a chain of acceptances (which a lock never has going in circles), and the last."""
        latest = None
        while self._accepted and (entry := self._accepted.get(digest(code))):
            latest = latest or entry
            code = entry.code
        return code, latest
