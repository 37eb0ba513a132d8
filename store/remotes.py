"""A local store and its remotes: what is not here is looked for in each remote, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from store.errors import (
    Corrupt,
    DraftLocked,
    MissingOutput,
    StoreError,
    StoreFull,
    UnsafePath,
    UnsupportedFormat,
    UnsupportedUrl,
    WrongVariable,
)
from store.paths import OutputName
from store.store import Store

if TYPE_CHECKING:
    from store.manifest.schema import Manifest
    from store.reading.output import Output
    from store.transfer import CopyResult

MAX_WORKERS = 16  # requests to a remote at a time; each waits for the network
_MAX_SIBLINGS = 8  # outputs of a family that are read from each store

T = TypeVar("T")


class StoreChain:
    """A local store and the remotes behind it, which are opened when something is first looked for in them.

    A remote that fails is left out from then on and recorded in `failures`, and work continues without it. An invalid
    URL or a store of another format is an error.

    Parameters
    ----------
    remotes : sequence of str
        URLs, in the order in which they are asked.
    base : Path, optional
        What relative folders among them are relative to.
    failures : dict, optional
        That of an earlier chain, so that its unreachable remotes are not waited for again.

    Attributes
    ----------
    failures : dict
        The error message, by the URL of each remote that is left out.
    absent : dict of str to Store
        The opened remotes where there was no store yet, by URL.
    located : dict of str to set of (str, str)
        Which outputs `locate` found, by the URL of the remote.
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
        self.absent: dict[str, Store] = {}
        self.located: dict[str, set[OutputName]] = {}
        self._base = base
        self._open: dict[str, Store] = {}

    def remotes(self) -> dict[str, Store]:
        """Return the remotes that can be used, in order, by the URL they were named by."""
        for url in self.urls:
            if url not in self._open and url not in self.failures:
                try:
                    self._open[url] = remote = Store.open(url, base=self._base)
                    if not remote.existed:
                        self.absent[url] = remote
                except (UnsupportedUrl, UnsupportedFormat, WrongVariable):  # the user's mistake
                    raise
                except StoreError as error:
                    self.failures[url] = str(error)
        return {url: self._open[url] for url in self.urls if url not in self.failures}

    def locate(self, names: Iterable[OutputName]) -> dict[OutputName, Store]:
        """Return the first remote that has each output; those that none has are left out."""
        holders: dict[OutputName, Store] = {}
        for url, remote, name, _ in self.first_answers(lambda store, name: store.has(*name) or None, names):
            holders[name] = remote
            self.located.setdefault(url, set()).add(name)
        return holders

    def first_answers(
        self, ask: Callable[[Store, OutputName], T | None], names: Iterable[OutputName]
    ) -> Iterator[tuple[str, Store, OutputName, T]]:
        """Ask the remotes in order about each output, many at a time, until one of them answers.

        Yields
        ------
        url, remote, name, answer
            Of each output about which a remote has another answer than None.
        """
        missing = list(dict.fromkeys(names))
        if not missing:
            return
        import logging  # slow to import, as what imports it, too
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(MAX_WORKERS, len(missing))) as threads:
            for url, remote in self.remotes().items():
                try:
                    answers = list(threads.map(lambda name, remote=remote: ask(remote, name), missing))
                except StoreError as error:
                    self.failures[url] = str(error)
                    continue
                asked, missing = missing, []
                for name, answer in zip(asked, answers, strict=True):
                    if answer is None:
                        missing.append(name)
                    else:
                        yield url, remote, name, answer
                log = logging.getLogger(__name__)
                log.info("remote %s has %d of %d outputs", url, len(asked) - len(missing), len(asked))
                if not missing:
                    return

    def output(self, stage: str, key: str) -> Output | None:
        """Return a published output from the first store that has it; None where none has.

        One of a remote is verified as a whole, and skipped where it is damaged there: for small outputs.
        """

        def verified(output: Output) -> Output:
            output.verify()
            return output

        return self.local.output(stage, key) if self.local.has(stage, key) else self._read_remote(stage, key, verified)

    def read(self, stage: str, key: str, read: Callable[[Output], T]) -> T | None:
        """Return what `read` returns for an output of the first store that has it; None where none has.

        Only what is read is verified: for a small part of a large output.
        """
        if self.local.has(stage, key):
            return read(self.local.output(stage, key))
        return self._read_remote(stage, key, read)

    def _read_remote(self, stage: str, key: str, read: Callable[[Output], T]) -> T | None:
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
        """Copy an output into the local store, verified, from the first remote that has it undamaged.

        An output that is here already stays; with `replace` it is replaced where its objects differ.

        Raises
        ------
        MissingOutput
            No remote has it.
        StoreError
            It failed, or is damaged, in every remote that has it; the message holds that of each.
        """
        from store.transfer import copy_output

        errors = []
        for remote in self.remotes().values():
            try:
                return copy_output(remote, self.local, stage, key, progress, replace=replace)
            except MissingOutput:
                continue
            except (DraftLocked, StoreFull):  # trying another remote would not help
                raise
            except StoreError as error:
                errors.append(error)
        if not errors:
            raise MissingOutput(f"no remote has {stage}/{key} ({', '.join(self.urls) or 'none is named'})")
        if len(errors) == 1:
            raise errors[0]
        raise StoreError("; ".join(map(str, errors)))


def find_sibling_outputs(stores: Iterable[Store], stage: str, family: str) -> Iterator[Output]:
    """Yield the newest outputs of a family, store by store, each key once; unreadable ones are skipped."""
    seen = set()
    for store in stores:
        keys: list[str] = []
        with suppress(StoreError):
            keys = store.family(stage, family)[:_MAX_SIBLINGS]
        for key in keys:
            if key not in seen:
                with suppress(StoreError):
                    output = store.output(stage, key)
                    seen.add(key)
                    yield output


class DifferingOutput(NamedTuple):
    """An output of a remote whose objects differ from those of the output with the same key here.

    A key identifies what an output was made from, not the bytes that resulted: on another GPU, features differ in the
    last bit and are equally valid. So a difference is only reported, and nothing is replaced until the user chooses.
    """

    url: str
    theirs: Manifest


def find_differing(chain: StoreChain, names: Collection[OutputName]) -> dict[OutputName, DifferingOutput]:
    """Compare outputs that are here with those of the first remote that has each, by the digests of their objects.

    Those that cannot be read, here or there, are left out: whoever uses them gets the error. A remote that cannot be
    reached is recorded in `StoreChain.failures`.
    """
    if not names:
        return {}
    from concurrent.futures import ThreadPoolExecutor  # slow to import

    with ThreadPoolExecutor(min(MAX_WORKERS, len(names))) as threads:
        manifests = zip(names, threads.map(lambda name: _manifest(chain.local, name), names), strict=True)
        ours = {name: manifest for name, manifest in manifests if manifest is not None}
    return {
        name: DifferingOutput(remote.url, theirs)
        for _, remote, name, theirs in chain.first_answers(_manifest, ours)
        if theirs.objects != ours[name].objects
    }


def _manifest(store: Store, name: OutputName) -> Manifest | None:
    try:
        return store.manifest(*name)
    except (Corrupt, UnsafePath, UnsupportedFormat):
        return None
