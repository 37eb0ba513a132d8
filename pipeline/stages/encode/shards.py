"""The encode stage: one modality of all recordings into one feature output, shard by shard."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording, StepError
from pipeline.sources.base import Modality, Recording, Source
from pipeline.sources.time_limits import DEFAULT, TimeLimits
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.cores import cores
from pipeline.stages.encode.encoder import (
    BuildEncoder,
    Encoded,
    Encoder,
    EncodeTask,
    nothing_usable,
    stopped_by,
)
from pipeline.stages.encode.reuse import ROWS, RowReuse
from pipeline.stages.encode.skipped import read_shard, write_all, write_shard_reasons
from pipeline.stages.encode.window_params import WindowParams
from pipeline.stages.sharded import Note, seconds_by_phase
from store.features import FeatureArray, FeatureLayout, create, pending, write_shard

if TYPE_CHECKING:
    import torch

    from pipeline.stages.context import ShardDraft
    from store import Output

OnBad = Literal["fail", "skip"]


def layout(params: WindowParams, modality: Modality, *, rows: int, width: int, channels: int | None) -> FeatureLayout:
    """Return the arrays of a modality's output.

    ``features`` (recording, patch, feature) and ``valid`` (recording, patch), and, where the series is kept,
    ``series`` (recording, sample, channel).
    """
    spec = windows(params, modality.rate)
    arrays = [
        FeatureArray("features", (spec.patches, width), params.dtype, ("patch", "feature")),
        FeatureArray("valid", (spec.patches,), "bool", ("patch",)),
    ]
    if channels is not None:
        arrays.append(FeatureArray("series", (spec.length, channels), params.dtype, ("sample", "channel")))
    return FeatureLayout(rows=rows, arrays=tuple(arrays))


def attributes(params: WindowParams, modality: Modality, name: str, encoder: Encoder) -> dict[str, Any]:
    """Return what a reader of the output must know to make patches from `series` again; all in samples."""
    spec = windows(params, modality.rate)
    return {
        "modality": name,
        "kind": modality.kind,
        "streams": list(modality.streams),
        "rate": float(modality.rate),
        "align": params.align,
        "window": spec.window,
        "stride": spec.stride,
        "patches": spec.patches,
        "length": spec.length,
        "channels": encoder.channels,
        **encoder.attributes,
    }


class EncodeShards:
    """Encodes one modality into a draft, which the caller publishes; see `pipeline.stages.sharded.Sharded`.

    Rows are `recordings`, in their order. Shards that the draft's journal holds are kept, rows that an earlier output
    has are copied, the others are computed; none depends on another, so an interrupted run ends with the same arrays
    as an unbroken one, and a grown output with those of one made anew.

    Parameters
    ----------
    params
        Of the modality's kind.
    skip
        Recordings known to be broken, with the reason: their rows stay zero and not valid.
    device
        Where the network of a video modality runs; nothing else uses it.
    on_bad
        What to do with a recording that turns out to be broken while it is read.
    progress
        Called with recordings done and recordings in all.
    build
        Makes the encoder of the modality's kind. It is handed in, so that a change to one kind's encoder does
        not make features of the others stale.
    weights_file
        The resolved weights file; None for weights by name and for ``none``.
    threads
        That read, and on a CPU as many that compute; None: as many as the process may use.
    limits
        What the times of a series can be.
    digests
        Of what each row depends on beside the recipe's family; where left out, nothing is copied from here or to here.
    earlier
        Outputs of the same family, from which rows with the same digest are copied; the first are preferred.

    Raises
    ------
    ConfigError
        A parameter does not fit the source, the backbone or the device.
    StepError
        A recording is broken and `on_bad` is ``fail``, no recording is usable, or the weights cannot be had.
    """

    def __init__(
        self,
        *,
        params: WindowParams,
        modality: Modality,
        name: str,
        source: Source,
        recordings: Sequence[Recording],
        skip: Mapping[str, str],
        draft: ShardDraft,
        device: torch.device,
        on_bad: OnBad,
        progress: Callable[[int, int], None],
        build: BuildEncoder,
        weights_file: Path | None = None,
        threads: int | None = None,
        limits: TimeLimits = DEFAULT,
        digests: Sequence[bytes] = (),
        earlier: Iterable[Output] = (),
    ) -> None:
        self._recordings, self._skip, self._draft, self._progress = recordings, skip, draft, progress
        self._digests, self._outputs = digests, earlier
        self._job = job = EncodeTask(
            name, modality, source, on_bad == "fail", device, weights_file, threads or cores(), limits
        )
        try:
            self._encoder = build(params, job, [recording for recording in recordings if recording.id not in skip])
        except BadRecording as error:
            raise stopped_by(name, error) from error
        width, channels = self._encoder.width, self._encoder.channels
        self._arrays = layout(params, modality, rows=len(recordings), width=width, channels=channels)
        self._attributes = attributes(params, modality, name, self._encoder)
        self._before: RowReuse | None = None
        self._late: dict[str, str] = {}
        self._rows = {"kept": 0, "copied": 0, "computed": 0}
        self._finished = 0

    def prepare(self) -> list[int]:
        """See `Sharded.prepare`."""
        create(self._draft, self._arrays, self._attributes)
        todo = set(pending(self._draft, self._arrays))
        left = []
        for shard in range(self._arrays.shards):
            rows = self._arrays.rows_of(shard)
            here = self._usable(rows)
            if shard not in todo:
                self._late |= read_shard(self._draft, shard, rows, here)
                self._rows["kept"] += sum(recording is not None for recording in here)
            else:
                copied = self._earlier().copy_shard(self._draft, shard)
                if copied is None:
                    left.append(shard)
                    continue
                self._rows["copied"] += copied
            self._seen(len(rows))
        return left

    def make_shards(self, numbers: Iterable[int]) -> Iterator[tuple[int, Note]]:
        """See `Sharded.make_shards`; the next shard is read and encoded while one is written."""
        begun: deque[_PendingShard] = deque()
        writing: deque[tuple[int, Future[Note]]] = deque()
        with ThreadPoolExecutor(1, "write") as writer, closing(self._encoded(numbers, begun)) as encoded:
            for rows in encoded:
                writing.append((begun[0].shard, writer.submit(self._write, begun.popleft(), rows)))
                if len(writing) > 1:
                    shard, note = writing.popleft()
                    yield shard, note.result()
            for shard, note in writing:
                yield shard, note.result()

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
        for note in notes:
            self._late |= note["broken"]
            images += note["images"]
            for name in ("copied", "computed"):
                self._rows[name] += note[name]
        late, skip = self._late, self._skip
        reasons = {r.id: skip.get(r.id) or late[r.id] for r in self._recordings if r.id in skip or r.id in late}
        if len(reasons) == len(self._recordings):
            raise nothing_usable(self._job.name, reasons)
        write_all(self._draft, reasons)
        if self._digests:
            self._draft.write(ROWS, b"".join(self._digests))
        broken = [{"recording": recording, "reason": reason} for recording, reason in late.items()]
        told = self._before.provenance if self._before else {}
        found = {"late_broken": broken, "timings": seconds_by_phase(notes), "rows": {**self._rows, **told}}
        return {**found, **({"images": images} if images else {}), **self._encoder.provenance}

    def _usable(self, rows: range) -> list[Recording | None]:
        return [None if self._recordings[row].id in self._skip else self._recordings[row] for row in rows]

    def _earlier(self) -> RowReuse:
        """Choose an earlier output, once, when the first shard wants to copy from it."""
        if self._before is None:
            self._before = RowReuse(self._arrays, self._recordings, self._digests, self._skip)
            self._before.find(self._outputs, self._draft)
        return self._before

    def _encoded(self, numbers: Iterable[int], begun: deque[_PendingShard]) -> Generator[Encoded, None, None]:
        def usable() -> Iterator[list[Recording | None]]:
            for shard in numbers:
                with self._job.timings.phase("copy"):
                    there, values = self._earlier().take(shard)
                here = self._usable(self._arrays.rows_of(shard))
                mine = [None if same else recording for recording, same in zip(here, there, strict=True)]
                begun.append(_PendingShard(shard, mine, there, values))
                yield mine

        try:
            yield from self._encoder.encode(usable(), lambda: self._seen(1))
        except BadRecording as error:
            raise stopped_by(self._job.name, error) from error

    def _write(self, begun: _PendingShard, encoded: Encoded) -> Note:
        """Write one shard, of rows copied and encoded; return what turned out to be broken, and counts."""
        with self._job.timings.phase("write"):
            stored = _stored(encoded, self._arrays, self._job.name, begun.recordings)
            for name, values in begun.values.items():
                stored[name][begun.there] = values
            broken = {recording: str(error) for recording, error in encoded.broken.items()}
            write_shard_reasons(self._draft, begun.shard, broken)  # first: the journal says that the shard is complete
            write_shard(self._draft, self._arrays, begun.shard, stored)
        computed = sum(recording is not None for recording in begun.recordings)
        self._seen(len(begun.recordings) - computed)
        return {
            "broken": broken,
            "copied": int(begun.there.sum()),
            "computed": computed,
            "images": encoded.images,
            "timings": self._job.timings.taken(),
        }

    def _seen(self, rows: int) -> None:
        self._finished += rows
        self._progress(self._finished, len(self._recordings))


@dataclass(frozen=True)
class _PendingShard:
    """A shard on its way: which recordings are encoded (None: not), and the rows that are copied, by array."""

    shard: int
    recordings: Sequence[Recording | None]
    there: NDArray[np.bool_]
    values: Mapping[str, NDArray[Any]]


def _stored(
    encoded: Encoded, arrays: FeatureLayout, name: str, recordings: Sequence[Recording | None]
) -> dict[str, NDArray[Any]]:
    """Return the arrays in their stored dtype; StepError where a value is not finite in it."""
    values = {"features": encoded.features, "valid": encoded.valid, "series": encoded.series}
    stored: dict[str, NDArray[Any]] = {}
    for array in arrays.arrays:
        full = values[array.name]
        assert full is not None
        with np.errstate(over="ignore"):
            cast = stored[array.name] = full.astype(array.dtype, copy=False)
        for row, recording in enumerate(recordings):
            if recording is not None and not np.isfinite(cast[row]).all():
                raise StepError(
                    f"{name}: {array.name} of recording {recording.id} are not finite as {array.dtype}; "
                    "set dtype: float32 and, for video, precision: fp32"
                )
    return stored
