"""Reading through: the local store first, then each remote in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from store.errors import MissingOutput, StoreError, UnsupportedFormat, UnsupportedUrl, WrongVariable
from store.paths import OutputName
from store.store import Store

if TYPE_CHECKING:
    from store.reading.output import Output
    from store.transfer import CopyResult

_AT_ONCE = 16  # looks at a remote; each waits for the network

_NEWEST = 8  # outputs of a family that are looked at in each store

T = TypeVar("T")


class StoreChain:
    """A local store and the remotes behind it, which are opened when something is first looked for in them.

    A remote that cannot be reached is left out from then on, and told of in `failures`: work goes on without it.
    A URL that is none, or a store of another format, is an error.

    Parameters
    ----------
    local : Store
    remotes : sequence of str
        URLs, the first to be asked first.
    base : Path, optional
        What relative folders among them are relative to.
    failures : dict, optional
        That of an earlier chain, so that a remote which was away then is not waited for again.

    Attributes
    ----------
    failures : dict
        What went wrong, by the URL of a remote that is left out.
    found : dict of str to set of (str, str)
        Which outputs `where` found, by the URL of the remote.
    """

    def __init__(
        self,
        local: Store,
        remotes: Sequence[str] = (),
        *,
        base: Path | None = None,
        failures: dict[str, str] | None = None,
    ) -> None:
        self.local = local
        self.urls = tuple(dict.fromkeys(remotes))
        self.failures: dict[str, str] = {} if failures is None else failures
        self.found: dict[str, set[OutputName]] = {}
        self._base = base
        self._open: dict[str, Store] = {}

    def remotes(self) -> dict[str, Store]:
        """Return the remotes that can be used, in order, by the URL they were named by."""
        for url in self.urls:
            if url not in self._open and url not in self.failures:
                try:
                    self._open[url] = Store.open(url, base=self._base)
                except (UnsupportedUrl, UnsupportedFormat, WrongVariable):  # to be mended, not lived with
                    raise
                except StoreError as error:
                    self.failures[url] = str(error)
        return {url: self._open[url] for url in self.urls if url not in self.failures}

    def where(self, names: Iterable[OutputName]) -> dict[OutputName, Store]:
        """Return the first remote that has each output; those that none has are left out."""
        found: dict[OutputName, Store] = {}
        missing = list(dict.fromkeys(names))
        if not missing:
            return found
        import logging  # slow to import, as what imports it, too
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(_AT_ONCE, len(missing))) as threads:
            for url, remote in self.remotes().items():
                try:
                    there = list(threads.map(lambda name, remote=remote: remote.has(*name), missing))
                except StoreError as error:
                    self.failures[url] = str(error)
                    continue
                here = {name for name, has in zip(missing, there, strict=True) if has}
                logging.getLogger(__name__).info("remote %s has %d of %d outputs", url, len(here), len(missing))
                self.found.setdefault(url, set()).update(here)
                found |= dict.fromkeys(here, remote)
                missing = [name for name in missing if name not in found]
                if not missing:
                    break
        return found

    def output(self, stage: str, key: str) -> Output | None:
        """Return a published output, from the first store that has it; None where none has.

        One of a remote is checked whole at once, and passed over where it is damaged there: for small outputs.
        """
        if self.local.has(stage, key):
            return self.local.output(stage, key)
        for url, remote in self.remotes().items():
            try:
                if remote.has(stage, key):
                    output = remote.output(stage, key)
                    output.verify()
                    return output
            except StoreError as error:
                self.failures[url] = str(error)
        return None

    def read(self, stage: str, key: str, read: Callable[[Output], T]) -> T | None:
        """Return what `read` takes from a published output, from the first store that has it; None where none has.

        Only what is read is checked: for a little of a large output.
        """
        if self.local.has(stage, key):
            return read(self.local.output(stage, key))
        for url, remote in self.remotes().items():
            try:
                if remote.has(stage, key):
                    return read(remote.output(stage, key))
            except StoreError as error:
                self.failures[url] = str(error)
        return None

    def fetch(
        self, stage: str, key: str, progress: Callable[[int, int], None] | None = None, *, replace: bool = False
    ) -> CopyResult:
        """Copy an output into the local store, checked, from the first remote that has it whole.

        One that is here already stays, or with `replace` gives place where its objects are others.

        Raises
        ------
        MissingOutput
            No remote has it.
        StoreError
            Every remote that has it failed or is damaged there; what each said.
        """
        from store.errors import DraftLocked, StoreFull
        from store.transfer import copy_output

        said = []
        for remote in self.remotes().values():
            try:
                return copy_output(remote, self.local, stage, key, progress, replace=replace)
            except MissingOutput:
                continue
            except (DraftLocked, StoreFull):  # nothing that another remote would mend
                raise
            except StoreError as error:
                said.append(error)
        if not said:
            raise MissingOutput(f"no remote has {stage}/{key} ({', '.join(self.urls) or 'none is named'})")
        if len(said) == 1:
            raise said[0]
        raise StoreError("; ".join(map(str, said)))


def find_sibling_outputs(stores: Iterable[Store], stage: str, family: str) -> Iterator[Output]:
    """Yield the newest outputs of a family, store by store, each key once; what cannot be read is passed over."""
    seen = set()
    for store in stores:
        keys: list[str] = []
        with suppress(StoreError):
            keys = store.family(stage, family)[:_NEWEST]
        for key in keys:
            if key not in seen:
                with suppress(StoreError):
                    output = store.output(stage, key)
                    seen.add(key)
                    yield output
