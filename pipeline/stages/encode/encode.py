"""The encode stage: one modality of all recordings into one feature output, shard by shard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording, StepError
from pipeline.sources.contract import Modality, Recording, Source
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.params import EncodeParams, SkeletonParams, VideoParams
from pipeline.stages.encode.shard import Encoded, Encoder, file_of
from pipeline.stages.encode.skeleton import VERTICAL_AXIS
from pipeline.stages.encode.skipped import read_shard, write_all, write_shard_reasons
from pipeline.stages.encode.timings import Timings
from store.features import FeatureArray, FeatureLayout, create, pending, write_shard

if TYPE_CHECKING:
    import torch

    from store.drafts import Draft

OnBad = Literal["fail", "skip"]


def layout(
    params: EncodeParams, modality: Modality, *, rows: int, width: int, channels: int | None
) -> FeatureLayout:
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


def attributes(params: EncodeParams, modality: Modality, name: str, channels: int | None) -> dict[str, Any]:
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
        "channels": channels,
        "reduce": "mean" if isinstance(params, VideoParams) else params.reduce,
        "velocities": isinstance(params, SkeletonParams) and params.velocities,
        "vertical_axis": VERTICAL_AXIS,
    }


def encode_modality(
    *,
    params: EncodeParams,
    modality: Modality,
    name: str,
    source: Source,
    recordings: Sequence[Recording],
    skip: Mapping[str, str],
    draft: Draft,
    device: torch.device,
    on_bad: OnBad,
    progress: Callable[[int, int], None],
    weights_file: Path | None = None,
    batch: int = 32,
    threads: int = 2,
) -> dict[str, Any]:
    """Encode one modality into a draft; the caller publishes it.

    Rows are `recordings`, in their order. Shards that the draft's journal holds are kept, the others are
    computed; none depends on another, so an interrupted run ends with the same arrays as an unbroken one.

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
        Called with recordings done and recordings in all, after every shard.
    weights_file
        The resolved weights file; None for weights by name and for ``none``.
    batch, threads
        Images a batch, and threads that read; neither is part of the output's key.

    Returns
    -------
    dict
        Provenance: ``late_broken`` (list of ``recording``, ``reason``), ``timings`` (this run's seconds by
        phase), ``images`` (through the network, this run's), and for video ``weights`` and ``device``.

    Raises
    ------
    ConfigError
        A parameter does not fit the source, the backbone or the device.
    StepError
        A recording is broken and `on_bad` is ``fail``, no recording is usable, or the weights cannot be had.
    """
    timings = Timings()
    encoder = _encoder(
        params,
        modality,
        name,
        source,
        recordings,
        skip,
        on_bad,
        weights_file,
        device,
        batch,
        threads,
        timings,
    )
    arrays = layout(params, modality, rows=len(recordings), width=encoder.width, channels=encoder.channels)
    job = _Job(name, params.dtype, encoder, draft, arrays, on_bad, timings)
    create(draft, arrays, attributes(params, modality, name, encoder.channels))
    todo = set(pending(draft, arrays))
    late: dict[str, str] = {}
    for shard in range(arrays.shards):
        rows = arrays.rows_of(shard)
        here = [None if recordings[row].id in skip else recordings[row] for row in rows]
        late |= job.run(shard, here) if shard in todo else read_shard(draft, shard, rows, here)
        progress(rows.stop, len(recordings))
    reasons = {r.id: skip.get(r.id) or late[r.id] for r in recordings if r.id in skip or r.id in late}
    if len(reasons) == len(recordings):
        raise _nothing_left(name, reasons)
    write_all(draft, reasons)
    return {
        "late_broken": [{"recording": recording, "reason": reason} for recording, reason in late.items()],
        "timings": timings.rounded(),
        "images": encoder.images,
        **encoder.provenance,
    }


@dataclass(frozen=True)
class _Job:
    """What every shard of one run shares."""

    name: str
    dtype: str
    encoder: Encoder
    draft: Draft
    arrays: FeatureLayout
    on_bad: OnBad
    timings: Timings

    def run(self, shard: int, recordings: Sequence[Recording | None]) -> dict[str, str]:
        """Encode and write one shard; return what turned out to be broken, with reasons."""
        try:
            encoded = self.encoder.encode(recordings, self.on_bad == "fail")
        except BadRecording as error:
            raise _failed(self.name, error) from error
        arrays = self._stored(encoded, recordings)
        broken = {recording: str(error) for recording, error in encoded.broken.items()}
        with self.timings.phase("write"):
            write_shard_reasons(
                self.draft, shard, broken
            )  # first: the journal says that the shard is complete
            write_shard(self.draft, self.arrays, shard, arrays)
        return broken

    def _stored(self, encoded: Encoded, recordings: Sequence[Recording | None]) -> dict[str, NDArray[Any]]:
        """Return the arrays in their stored dtype, all finite."""
        arrays: dict[str, NDArray[Any]] = {"valid": encoded.valid}
        values = {"features": encoded.features} | (
            {} if encoded.series is None else {"series": encoded.series}
        )
        for array, full in values.items():
            with np.errstate(over="ignore"):
                arrays[array] = full.astype(self.dtype, copy=False)
            for row, recording in enumerate(recordings):
                if not np.isfinite(arrays[array][row]).all():
                    which = recording.id if recording else row
                    raise StepError(
                        f"{self.name}: {array} of recording {which} are not finite as {self.dtype}; "
                        "set dtype: float32 and, for video, precision: fp32"
                    )
        return arrays


def _encoder(
    params: EncodeParams,
    modality: Modality,
    name: str,
    source: Source,
    recordings: Sequence[Recording],
    skip: Mapping[str, str],
    on_bad: OnBad,
    weights_file: Path | None,
    device: torch.device,
    batch: int,
    threads: int,
    timings: Timings,
) -> Encoder:
    """Return the encoder of the modality's kind; torch is imported here and no earlier."""
    if isinstance(params, VideoParams):
        from pipeline.stages.encode.video import VideoEncoder

        return VideoEncoder(
            params, modality, source, weights_file, device, batch=batch, threads=threads, timings=timings
        )
    from pipeline.stages.encode.timelines import TimelineEncoder

    shapes = _shapes(modality, name, source, [r for r in recordings if r.id not in skip], on_bad)
    return TimelineEncoder(params, modality, source, shapes, threads=threads, timings=timings)


def _shapes(
    modality: Modality, name: str, source: Source, recordings: Sequence[Recording], on_bad: OnBad
) -> list[tuple[int, ...]]:
    """Return the shape of one sample of each stream, from the first recording that is good in all of them."""
    reasons: dict[str, str] = {}
    for recording in recordings:
        try:
            for stream in modality.streams:
                file_of(recording, stream)
            return [source.probe(recording, stream).shape for stream in modality.streams]
        except BadRecording as error:
            if on_bad == "fail":
                raise _failed(name, error) from error
            reasons[recording.id] = str(error)
    raise _nothing_left(name, reasons)


def _failed(name: str, error: BadRecording) -> StepError:
    return StepError(f"{name}: {error}. Mend or remove the file, or set on_bad_recording: skip")


def _nothing_left(name: str, reasons: Mapping[str, str]) -> StepError:
    first = next(iter(reasons.values()), "there is none")
    return StepError(f"{name}: no recording can be used ({len(reasons)} are broken; the first: {first})")
