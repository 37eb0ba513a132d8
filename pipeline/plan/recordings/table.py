"""The table of recordings and the digests of their raw streams, from the source's folder or from the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.keys.raw_index import RawIndex, stream_digest
from pipeline.lock import Lock, LockedStream
from pipeline.plan.recordings.output_readers import broken_items, index_rows
from pipeline.sources.base import Listing, Source, Unparsed
from pipeline.sources.validate_listing import validated_listing
from store.canonical import digest, digest_rows

if TYPE_CHECKING:
    from store import Output


@dataclass(frozen=True)
class Table:
    """What is known of a dataset before any of it is read."""

    listing: Listing  # its recordings, in row order, and the files that could not be placed
    raw: Mapping[str, LockedStream]  # each stream's digest, and its files'
    # What is known of the files; None where a generator makes them, or the raw data is not on this machine.
    index: RawIndex | None = None
    present: bool = True  # whether the raw data is on this machine

    @cached_property
    def rows_digest(self) -> str:
        """Return `rows_digest`."""
        return rows_digest(self.listing)


def rows_digest(listing: Listing) -> str:
    """Return the digest of what stands in which row: recordings, and their stretches of longer files."""
    whole = (None, None)
    return digest_rows(r.id if (r.start, r.end) == whole else [r.id, r.start, r.end] for r in listing.recordings)


def table_digest(listing: Listing) -> str:
    """Return the digest of all that is known of the recordings but their files."""
    return digest_rows(
        [
            r.id,
            r.subject,
            r.action,
            r.session,
            r.scene,
            r.view,
            r.start,
            r.end,
            *([dict(r.columns)] if r.columns else []),
        ]
        for r in listing.recordings
    )


def files_of(listing: Listing, stream: str) -> Iterator[tuple[str, str]]:
    """Yield each recording's id with each of its files of a stream, in order."""
    return ((r.id, path) for r in listing.recordings for path in r.streams.get(stream, ()))


def read_table(
    source: Source,
    streams: Iterable[str],
    lock: Lock,
    progress: Callable[[int, int], None] | None = None,
) -> Table:
    """List the source and digest the files of some of its streams, hashing only what is new."""
    listing = validated_listing(source)
    recipe: Callable[[], dict[str, Any]] | None = getattr(source, "recipe", None)
    if recipe is not None:  # a generator: its recipe stands for its files
        generated = recipe()
        return Table(listing, {s: LockedStream(digest([generated, s])) for s in sorted(streams)})
    index = RawIndex(source.root, lock.files())
    files = {stream: list(files_of(listing, stream)) for stream in sorted(streams)}
    digests = index.digests([path for stream in files.values() for _, path in stream], progress)
    raw = {
        stream: LockedStream.of(
            stream_digest((recording, path, digests[path]) for recording, path in entries),
            {path: (digests[path].size, digests[path].sha256) for _, path in entries},
        )
        for stream, entries in files.items()
    }
    return Table(listing, raw, index)


def table_from_index(index: Output, streams: Iterable[str], lock: Lock) -> Table:
    """Rebuild the table without raw data: recordings from the index's output, digests from the lock.

    It has all streams that the lock knows, so that the index's key is theirs whichever of them are read here.
    """
    missing = [stream for stream in streams if stream not in lock.raw]
    if missing:
        raise ConfigError(
            f"the raw data is not here and the lock knows nothing of stream {missing[0]}\n"
            "  set source.root to the data, or use the lock of somebody who has run it"
        )
    recordings = tuple(index_rows(index))
    unparsed = tuple(
        Unparsed(item.stream, item.path, item.reason) for item in broken_items(index) if not item.recording
    )
    return Table(Listing(recordings, unparsed), dict(sorted(lock.raw.items())), present=False)
