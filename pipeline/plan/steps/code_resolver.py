"""The code of a step as its recipe has it: earlier code, where that is known to give the same values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.keys.code import CodeIndex
from pipeline.keys.loaded_code import CodeHashes, in_scope
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
        Those that this release ships, the newest first: each leads to the release that the next one begins with.
    """

    def __init__(self, index: CodeIndex, accepted: Mapping[str, Accepted], tables: Sequence[EqualCode] = ()) -> None:
        self._index = index
        self._accepted = accepted
        self._tables = tables

    def resolve(self, roots: Sequence[str]) -> StepCode:
        """Return the code that the roots reach, and the earliest that acceptances and tables lead to."""
        present = self._index.closure(roots)
        # The lock comes first: whoever accepted this very code has outputs with what they accepted it for.
        code, acceptance = self._follow_lock(present)
        names, release = self._own_roots(roots, present), ""
        # An acceptance of a plug-in may lead to code that other code of ours belongs to, of which no root is known.
        for table in self._tables if len(_own(code)) == len(code) or _own(code) == _own(present) else ():
            if (earlier := table.earlier_closure(_own(code), names)) is not None:
                code, entry = self._follow_lock({**earlier, **_of_plugins(code)})
                acceptance, release = acceptance or entry, table.release
            names = table.earlier_roots(names)
        return StepCode(tuple(roots), present, dict(sorted(code.items())), acceptance, release)

    def in_present_names(self, code: StepCode, old: Mapping[str, str]) -> Mapping[str, str]:
        """Return an earlier recipe's code by the names that modules have now, where that is a release's code.

        What differs from the present code is then what was edited since that release, and not every file that moved.
        """
        names = self._own_roots(code.roots, code.present)
        for table in self._tables if code.recipe == code.present else ():
            names = table.earlier_roots(names)
            if table.closure_of(names) == _own(old):
                now = self._tables[0].now
                return {name: now[name] for name in code.present if name in now} | _of_plugins(old)
        return old

    def running(self, code: StepCode, roots: Iterable[str] = ()) -> CodeHashes:
        """Return the hashes of the code as it is, of a step and of what more roots reach."""
        return self._index.hashes({**code.present, **self._index.closure(roots)})

    def save(self) -> None:
        """Remember what was parsed."""
        self._index.save()

    def _own_roots(self, roots: Sequence[str], present: Mapping[str, str]) -> list[str]:
        """Return the roots that are ours; in place of plug-ins, of which no table knows, what they import of ours."""
        plugins = _of_plugins(present)
        if not plugins:
            return [*roots]
        modules = self._index.modules(plugins)
        imported = {name for plugin in plugins for name in modules[plugin].imports}
        return [*filter(in_scope, roots), *sorted(name for name in imported if in_scope(name) and name in present)]

    def _follow_lock(self, code: dict[str, str]) -> tuple[dict[str, str], Accepted | None]:
        """Return the earliest code that the lock's acceptances lead to, and the first of these acceptances."""
        latest = None  # a lock whose acceptances go round in a circle cannot be read
        while self._accepted and (entry := self._accepted.get(digest(code))):
            latest = latest or entry
            code = entry.code
        return code, latest


def _own(code: Mapping[str, str]) -> dict[str, str]:
    return {name: syntax for name, syntax in code.items() if in_scope(name)}


def _of_plugins(code: Mapping[str, str]) -> dict[str, str]:
    return {name: syntax for name, syntax in code.items() if not in_scope(name)}
