"""The encode stage: one modality of all recordings into one feature output, shard by shard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording, StepError
from pipeline.sources.contract import Modality, Recording, Source
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.earlier import ROWS, Earlier
from pipeline.stages.encode.encoder import (
    BuildEncoder,
    Encoded,
    Encoder,
    Job,
    nothing_usable,
    stopped_by,
)
from pipeline.stages.encode.skipped import read_shard, write_all, write_shard_reasons
from pipeline.stages.encode.window_params import WindowParams
from store.features import FeatureArray, FeatureLayout, create, pending, write_shard

if TYPE_CHECKING:
    import torch

    from store.drafts import Draft
    from store.outputs import Output

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


def encode_modality(
    *,
    params: WindowParams,
    modality: Modality,
    name: str,
    source: Source,
    recordings: Sequence[Recording],
    skip: Mapping[str, str],
    draft: Draft,
    device: torch.device,
    on_bad: OnBad,
    progress: Callable[[int, int], None],
    build: BuildEncoder,
    weights_file: Path | None = None,
    batch: int = 32,
    threads: int = 2,
    digests: Sequence[bytes] = (),
    earlier: Iterable[Output] = (),
) -> dict[str, Any]:
    """Encode one modality into a draft; the caller publishes it.

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
    batch, threads
        Images a batch, and threads that read; neither is part of the output's key.
    digests
        Of what each row depends on beside the recipe's family; where left out, nothing is copied from here or to here.
    earlier
        Outputs of the same family, from which rows with the same digest are copied; the first are preferred.

    Returns
    -------
    dict
        Provenance: ``late_broken`` (list of ``recording``, ``reason``), ``timings`` (this run's seconds by
        phase), ``rows`` (how many were ``computed``, ``copied`` and ``kept`` from an interrupted run; ``from`` which
        key; what was ``damaged`` there), and for video ``images`` (through the network, this run's), ``weights`` and
        ``device``.

    Raises
    ------
    ConfigError
        A parameter does not fit the source, the backbone or the device.
    StepError
        A recording is broken and `on_bad` is ``fail``, no recording is usable, or the weights cannot be had.
    """
    job = Job(name, modality, source, on_bad == "fail", device, weights_file, batch, threads)
    try:
        encoder = build(params, job, [recording for recording in recordings if recording.id not in skip])
    except BadRecording as error:
        raise stopped_by(name, error) from error
    arrays = layout(params, modality, rows=len(recordings), width=encoder.width, channels=encoder.channels)
    create(draft, arrays, attributes(params, modality, name, encoder))
    todo = set(pending(draft, arrays))
    before = Earlier(arrays, recordings, digests, skip)
    if todo:
        before.find(earlier, draft)
    late: dict[str, str] = {}
    kept = 0
    for shard in range(arrays.shards):
        rows = arrays.rows_of(shard)
        here = [None if recordings[row].id in skip else recordings[row] for row in rows]
        if shard not in todo:
            late |= read_shard(draft, shard, rows, here)
            kept += sum(recording is not None for recording in here)
        elif not before.copy_shard(draft, shard):
            seen = partial(_report, progress, rows.start, len(recordings))
            late |= _encode_shard(encoder, job, draft, arrays, shard, here, before, seen)
        progress(rows.stop, len(recordings))
    reasons = {r.id: skip.get(r.id) or late[r.id] for r in recordings if r.id in skip or r.id in late}
    if len(reasons) == len(recordings):
        raise nothing_usable(name, reasons)
    write_all(draft, reasons)
    if digests:
        draft.write(ROWS, b"".join(digests))
    broken = [{"recording": recording, "reason": reason} for recording, reason in late.items()]
    counts = {"kept": kept, **before.provenance}
    counts["computed"] = sum(recording.id not in skip for recording in recordings) - kept - before.copied
    return {"late_broken": broken, "timings": job.timings.rounded(), "rows": counts, **encoder.provenance}


def _report(progress: Callable[[int, int], None], first: int, total: int, seen: int) -> None:
    progress(first + seen, total)


def _encode_shard(
    encoder: Encoder,
    job: Job,
    draft: Draft,
    arrays: FeatureLayout,
    shard: int,
    recordings: Sequence[Recording | None],
    before: Earlier,
    seen: Callable[[int], None],
) -> dict[str, str]:
    """Write one shard, of rows copied and encoded; return what turned out to be broken, with reasons."""
    with job.timings.phase("copy"):
        there, copied = before.take(shard)
    recordings = [None if same else recording for recording, same in zip(recordings, there, strict=True)]
    try:
        encoded = encoder.encode(recordings, seen)
    except BadRecording as error:
        raise stopped_by(job.name, error) from error
    stored = _stored(encoded, arrays, job.name, recordings)
    for name, values in copied.items():
        stored[name][there] = values
    broken = {recording: str(error) for recording, error in encoded.broken.items()}
    with job.timings.phase("write"):
        write_shard_reasons(draft, shard, broken)  # first: the journal says that the shard is complete
        write_shard(draft, arrays, shard, stored)
    return broken


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
