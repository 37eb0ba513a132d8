"""What encode and gaf make of one recording, by the code of these stages; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import BadRecording, PipelineError, StepError
from pipeline.inspect.drawing.stream import seconds_of
from pipeline.inspect.opened import Opened
from pipeline.inspect.recording.windows import Spans, series_spans, video_spans
from pipeline.registry import ENCODERS, MOTION_MAPS, encoding_of, import_object
from pipeline.sources.base import Modality, Recording
from pipeline.sources.validate_streams import opened_video, series_of
from pipeline.stages.encode.align import Windows, windows
from pipeline.stages.encode.encoder import EncodeTask
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.parameters import encode_params, gaf_modalities, gaf_params
from trainers.gaf.fused import render_into


@dataclass(frozen=True)
class Patches:
    """One modality as an encode entry gives it.

    Attributes
    ----------
    spans
        By stream, (windows, 2) seconds from the stream's first sample.
    features
        (P, D), rows of windows that there are not are zero; None of a video whose features a network makes.
    images
        Of a video: for each of its streams (P, H, W) or (P, H, W, 3), what the network is given; or its motion maps,
        from the front, the side and above, side by side, each as a share of its recording's largest value.
    series
        (L, C) where it is kept.
    problem
        Why there is none of all this.
    """

    entry: str
    modality: str
    kind: str
    windows: Windows
    spans: dict[str, Spans] = field(default_factory=dict)
    valid: int = 0
    features: NDArray[np.float32] | None = None
    images: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    series: NDArray[np.float32] | None = None
    problem: str = ""


@dataclass(frozen=True)
class Gramian:
    """One modality as a gaf entry gives it: (planes, S, S) in -1..1, with a label each; or why not.

    Attributes
    ----------
    encoded
        The encode entry whose series is drawn; empty where there is none.
    """

    entry: str
    modality: str
    encoded: str = ""
    images: NDArray[np.float32] | None = None
    labels: tuple[str, ...] = ()
    problem: str = ""


def make_patches(opened: Opened, recording: Recording, entry: Entry, name: str) -> Patches:
    """Make what an encode entry makes of one modality."""
    params, modality = encode_params(opened.point, entry, name), opened.modalities[name]
    spec = windows(params, modality.rate)
    task = EncodeTask(
        name=name, modality=modality, source=opened.source, recordings=opened.listing.recordings, broken={},
        strict=False, device=torch.device("cpu"), limits=opened.limits,
    )  # fmt: skip
    ways = {"video": _of_video, MOTION_MAPS: _of_motion_maps}
    make = ways.get(encoding_of(modality.kind, msgspec.to_builtins(params)), _of_timeline)
    empty = Patches(entry.name, name, modality.kind, spec)
    try:
        return make(empty, params, task, recording)
    except BadRecording as error:
        return Patches(entry.name, name, modality.kind, spec, problem=f"{error.path}: {error.reason}")
    except StepError as error:
        return Patches(entry.name, name, modality.kind, spec, problem=str(error).splitlines()[0])


def _of_timeline(empty: Patches, params: Any, task: EncodeTask, recording: Recording) -> Patches:
    encoder = import_object(ENCODERS[task.modality.kind].build)(params, task)
    (encoded,) = encoder.encode([[recording]], lambda: None)
    if encoded.broken:
        raise encoded.broken[recording.id]
    streams = [series_of(task.source, recording, stream, task.limits) for stream in task.modality.streams]
    length = empty.windows.length if params.align == "resample" else _length(streams, task.modality, empty.windows)
    spans = series_spans(streams, task.modality.rate, empty.windows, length)
    return Patches(
        empty.entry, empty.modality, empty.kind, empty.windows, dict(zip(task.modality.streams, spans, strict=True)),
        int(encoded.valid[0].sum()), encoded.features[0], {}, None if encoded.series is None else encoded.series[0],
    )  # fmt: skip


def _length(streams: Any, modality: Modality, spec: Windows) -> int:
    from pipeline.sources.base import Series
    from pipeline.stages.encode.timelines.series import timeline

    flat = [Series(each.values.reshape(len(each.values), -1), each.times) for each in streams]
    return len(timeline(flat, modality.rate, spec))


def _of_video(empty: Patches, params: Any, task: EncodeTask, recording: Recording) -> Patches:
    from pipeline.stages.encode.video.reading import StreamReader

    reader = StreamReader(params, task, empty.windows)
    images, spans = {}, {}
    for stream in task.modality.streams:
        with opened_video(task.source, recording, stream) as video:
            seconds = seconds_of(video.length, getattr(video, "times", None), task.modality.rate)
            length = video.length
        made: dict[int, torch.Tensor] = {}
        for block in reader.read(recording, stream):
            given = block.to_images.add(block.frames)
            for image, patch, share in zip(given.images, given.patches, given.shares, strict=True):
                pixels = given.pixels[int(image)] * float(share)
                made[int(patch)] = made[int(patch)] + pixels if int(patch) in made else pixels
        spans[stream] = video_spans(length, empty.windows, seconds)
        stacked = torch.stack([made[patch] for patch in sorted(made)]).permute(0, 2, 3, 1).numpy()
        images[stream] = stacked[..., 0] if stacked.shape[-1] == 1 else stacked
    count = min(map(len, images.values()))
    return Patches(empty.entry, empty.modality, empty.kind, empty.windows, spans, count, None, images)


def _of_motion_maps(empty: Patches, params: Any, task: EncodeTask, recording: Recording) -> Patches:
    from pipeline.stages.encode.motion_maps.motion import motion_maps
    from pipeline.stages.encode.motion_maps.reading import DepthReader

    (encoded,) = import_object(ENCODERS[MOTION_MAPS].build)(params, task).encode([[recording]], lambda: None)
    if encoded.broken:
        raise encoded.broken[recording.id]
    reader = DepthReader(params, task, empty.windows)
    images, spans = {}, {}
    for stream in task.modality.streams:
        with opened_video(task.source, recording, stream) as video:
            seconds = seconds_of(video.length, getattr(video, "times", None), task.modality.rate)
        with reader.opened(recording, stream) as depth:
            maps = np.stack([each for _, each in motion_maps(depth.views(), depth.spans, params.image_size)])
            spans[stream] = seconds[depth.spans]
        shares = maps / np.maximum(maps.max(axis=(0, 2, 3), keepdims=True), 1e-9)  # (P, views, S, S)
        images[stream] = np.concatenate(shares.transpose(1, 0, 2, 3), axis=2).astype(np.float32)
    count = int(encoded.valid[0].sum())
    return Patches(
        empty.entry, empty.modality, empty.kind, empty.windows, spans, count, encoded.features[0], images
    )  # fmt: skip


def make_gramians(opened: Opened, entry: Entry, patches: list[Patches]) -> list[Gramian]:
    """Make what a gaf entry makes of the series that encode entries keep."""
    found = []
    for name in gaf_modalities(opened.point, entry):
        params = gaf_params(opened.point, entry, name)
        given = next((each for each in patches if each.modality == name and each.entry in entry.needs), None)
        if given is None or given.series is None:
            reason = given.problem if given else "it is made from a plug-in's stage, which is not done here"
            found.append(Gramian(entry.name, name, problem=reason or "encode keeps no series (keep_series)"))
            continue
        try:
            images = _rendered(given.series, params)
        except (PipelineError, ValueError) as error:
            found.append(Gramian(entry.name, name, given.entry, problem=str(error)))
            continue
        channels = range(1, given.series.shape[1] + 1)
        labels = tuple(f"{part} {channel}" for part in params.fields for channel in channels)
        found.append(Gramian(entry.name, name, given.entry, images, labels))
    return found


def _rendered(series: NDArray[np.float32], params: Any) -> NDArray[np.float32]:
    """Return (planes, S, S) of an (L, C) series, as the stage stores them."""
    from trainers.gaf.stored import TYPES, decode, encode

    if params.renderer == "pyts":
        from pipeline.stages.gaf.pyts_images import pyts_images

        stored = encode(torch.from_numpy(pyts_images(series, params)), params.dtype)
    else:
        planes = len(params.fields) * series.shape[1]
        stored = torch.zeros(1, planes, params.size, params.size, dtype=TYPES[params.dtype])
        render_into(torch.from_numpy(series)[None], params, stored)
        stored = stored[0]
    images: NDArray[np.float32] = decode(stored).numpy()
    return images
