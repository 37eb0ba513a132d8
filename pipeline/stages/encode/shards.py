"""One modality of all recordings into one feature output, shard by shard: what is reused, encoded and written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.sources.base import Recording
from pipeline.stages.encode.encoder import BuildEncoder, Encoded, EncodeTask, nothing_usable, stopped_by
from pipeline.stages.encode.layout import as_stored, attributes, layout
from pipeline.stages.encode.reuse import ROWS, RowReuse
from pipeline.stages.encode.skipped import read_shard, write_all, write_shard_reasons
from pipeline.stages.encode.window_params import WindowParams
from pipeline.stages.sharded import Note, seconds_by_phase
from store.features import create, pending, write_shard

if TYPE_CHECKING:
    from pipeline.stages.context import ShardDraft
    from store import Output


class EncodeShards:
    """Encodes one modality into a draft, which the caller publishes; see `pipeline.stages.sharded.Sharded`.

    Rows are the task's recordings, in their order. Shards that the draft's journal holds are kept, rows that an earlier
    output has are copied, the others are computed; none depends on another, so an interrupted run ends with the same
    arrays as an unbroken one, and a grown output with those of one made anew.

    Parameters
    ----------
    build
        Makes the encoder of the modality's kind. It is handed in, so that a change to one kind's encoder does
        not make features of the others stale.
    progress
        Called with recordings done and recordings in all.
    digests
        Of what each row depends on beside the recipe's family; where left out, nothing is copied from here or to here.
    earlier
        Outputs of the same family, from which rows with the same digest are copied; the first are preferred.

    Raises
    ------
    ConfigError
        A parameter does not fit the source, the backbone or the device.
    StepError
        A recording is broken and the task is strict, no recording is usable, or the weights cannot be had.
    """

    def __init__(
        self,
        task: EncodeTask,
        params: WindowParams,
        build: BuildEncoder,
        draft: ShardDraft,
        *,
        progress: Callable[[int, int], None],
        digests: Sequence[bytes] = (),
        earlier: Iterable[Output] = (),
    ) -> None:
        self._task, self._draft, self._progress, self._digests = task, draft, progress, digests
        try:
            self._encoder = build(params, task)
        except BadRecording as error:
            raise stopped_by(task.name, error) from error
        self._arrays = layout(params, task, self._encoder)
        self._attributes = attributes(params, task, self._encoder)
        self._reuse = RowReuse(self._arrays, task, draft, digests, earlier)
        self._late_broken: dict[str, str] = {}
        self._row_counts = {"kept": 0, "copied": 0, "computed": 0}
        self._finished = 0

    def prepare(self) -> list[int]:
        """See `Sharded.prepare`."""
        create(self._draft, self._arrays, self._attributes)
        unfinished = set(pending(self._draft, self._arrays))
        to_make = []
        for shard in range(self._arrays.shards):
            rows = self._arrays.rows_of(shard)
            if shard not in unfinished:
                recordings = self._usable(rows)
                self._late_broken |= read_shard(self._draft, shard, rows, recordings)
                self._row_counts["kept"] += sum(recording is not None for recording in recordings)
            elif (copied := self._reuse.copy_shard(shard)) is not None:
                self._row_counts["copied"] += copied
            else:
                to_make.append(shard)
                continue
            self._advance(len(rows))
        return to_make

    def make_shards(self, numbers: Iterable[int]) -> Iterator[tuple[int, Note]]:
        """See `Sharded.make_shards`; the next shard is read and encoded while one is written."""
        begun: deque[_PendingShard] = deque()
        writing: deque[tuple[int, Future[Note]]] = deque()
        with ThreadPoolExecutor(1, "write") as writer, closing(self._encode(numbers, begun)) as encoded_shards:
            for encoded in encoded_shards:
                shard = begun.popleft()
                writing.append((shard.number, writer.submit(self._write, shard, encoded)))
                if len(writing) > 1:  # so that no more than two encoded shards are in memory
                    number, note = writing.popleft()
                    yield number, note.result()
            for number, note in writing:
                yield number, note.result()

    def finalise(self, notes: Iterable[Note]) -> dict[str, Any]:
        """See `Sharded.finalise`.

        Returns
        -------
        dict
            ``late_broken`` (list of ``recording``, ``reason``), ``timings`` (this run's seconds by phase), ``rows``
            (how many were ``computed``, ``copied`` and ``kept`` from an interrupted run; ``from`` which key; what was
            ``damaged`` there), and for video ``images`` (through the network, this run's), ``weights`` and ``device``.
        """
        notes, images = list(notes), 0
        late, known = self._late_broken, self._task.broken
        for note in notes:
            late |= note["broken"]
            images += note["images"]
            for name in ("copied", "computed"):
                self._row_counts[name] += note[name]
        ids = [recording.id for recording in self._task.recordings]
        reasons = {id_: known.get(id_) or late[id_] for id_ in ids if id_ in known or id_ in late}
        if len(reasons) == len(ids):
            raise nothing_usable(self._task.name, reasons)
        write_all(self._draft, reasons)
        if self._digests:
            self._draft.write(ROWS, b"".join(self._digests))
        return {
            "late_broken": [{"recording": recording, "reason": reason} for recording, reason in late.items()],
            "timings": seconds_by_phase(notes),
            "rows": {**self._row_counts, **self._reuse.provenance},
            **({"images": images} if images else {}),
            **self._encoder.provenance,
        }

    def _usable(self, rows: range) -> list[Recording | None]:
        """Return the recordings of some rows; None where one is known to be broken, and its row stays empty."""
        recordings = (self._task.recordings[row] for row in rows)
        return [None if recording.id in self._task.broken else recording for recording in recordings]

    def _encode(self, numbers: Iterable[int], begun: deque[_PendingShard]) -> Generator[Encoded, None, None]:
        """Encode what no earlier output has; `begun` gets a shard's other rows before it is encoded."""

        def recordings_to_encode() -> Iterator[list[Recording | None]]:
            for shard in numbers:
                with self._task.timings.phase("copy"):
                    reused, values = self._reuse.read_rows(shard)
                recordings = self._usable(self._arrays.rows_of(shard))
                to_encode = [None if same else each for each, same in zip(recordings, reused, strict=True)]
                begun.append(_PendingShard(shard, to_encode, reused, values))
                yield to_encode

        try:
            yield from self._encoder.encode(recordings_to_encode(), lambda: self._advance(1))
        except BadRecording as error:
            raise stopped_by(self._task.name, error) from error

    def _write(self, shard: _PendingShard, encoded: Encoded) -> Note:
        """Write one shard, of rows copied and encoded; return what turned out to be broken, and counts."""
        with self._task.timings.phase("write"):
            stored = as_stored(encoded, self._arrays, self._task.name, shard.to_encode)
            for name, values in shard.values.items():
                stored[name][shard.reused] = values
            broken = {recording: str(error) for recording, error in encoded.broken.items()}
            # First the reasons: once the journal has the shard, nobody looks for what was broken in it again.
            write_shard_reasons(self._draft, shard.number, broken)
            write_shard(self._draft, self._arrays, shard.number, stored)
        computed = sum(recording is not None for recording in shard.to_encode)
        self._advance(len(shard.to_encode) - computed)
        return {
            "broken": broken,
            "copied": int(shard.reused.sum()),
            "computed": computed,
            "images": encoded.images,
            "timings": self._task.timings.take(),
        }

    def _advance(self, rows: int) -> None:
        self._finished += rows
        self._progress(self._finished, len(self._task.recordings))


@dataclass(frozen=True)
class _PendingShard:
    """A shard that is being encoded."""

    number: int
    to_encode: Sequence[Recording | None]  # None for rows that are copied or stay empty
    reused: NDArray[np.bool_]  # (n,) which rows are copied
    values: Mapping[str, NDArray[Any]]  # the copied rows by array, in their order
