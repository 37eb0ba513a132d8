"""Recordings that are in no experiment, encoded as a model's own were: from a folder of the same dataset, or arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.api.contexts import silent
from pipeline.errors import BadRecording, ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.recordings.output_readers import skipped_items
from pipeline.plan.steps.step import Step
from pipeline.registry import STAGES, import_hashed
from pipeline.run.jobs import make_job_for_others
from pipeline.run.readers.messages import OpenSource
from pipeline.run.readers.process import open_source
from pipeline.run.selection import with_needs
from pipeline.run.step.execute import make_context
from pipeline.sources.base import Listing, Probe, Recording, Series, Source, Video
from pipeline.stages.encode.encoder import NothingUsable
from store import Output, Store

Values = NDArray[Any]
Arrays = Mapping[str, Values | tuple[Values, Values]]  # by stream: values, or values and times in seconds
Frames = Iterator[NDArray[np.uint8] | NDArray[np.uint16]]


@dataclass(frozen=True)
class Encoded:
    """Feature outputs of some recordings, by the id of the step that made them, and why some cannot be used.

    There are none where no recording can be used.
    """

    recordings: Sequence[Recording]
    outputs: Mapping[str, Output]
    broken: Mapping[str, str]


@contextmanager
def encoded(plan: Plan, model: Step, given: Path | Sequence[Arrays], device: str) -> Iterator[Encoded]:
    """Encode recordings for a model, in a store that is gone afterwards; BadRecording never, see `Encoded.broken`."""
    inputs = [model.work["features"][name] for name in model.work["inputs"]]
    needed = with_needs(plan, inputs)
    steps = [step for step in plan.steps.values() if step.id in needed and step.stage != "index"]
    source = _source(plan, [step for step in steps if step.stage == "encode"], given)
    recordings = source.list().recordings
    if not recordings:
        raise ConfigError("there is no recording\n  give one at least")
    with tempfile.TemporaryDirectory(prefix="harvest-") as folder:
        store, outputs = Store.open(folder), dict[str, Output]()
        for step in steps:
            job = make_job_for_others(plan, step, len(recordings), device)
            job = msgspec.structs.replace(job, store=store.url, on_bad_recording="skip")
            read = {need: outputs[need] for need in step.needs if need in outputs}
            with store.draft(step.stage, step.key, recipe=step.recipe, inputs=[]) as draft:
                context = make_context(job, draft, read, source if step.stage == "encode" else None, device, silent)
                try:
                    import_hashed(STAGES[step.stage].run, job.code)(context)
                except NothingUsable as error:
                    yield Encoded(recordings, {}, error.reasons)
                    return
                outputs[step.id] = draft.publish({})
        skipped = (skipped_items(output) for output in outputs.values() if output.manifest.stage == "encode")
        yield Encoded(recordings, outputs, {item.recording: item.reason for items in skipped for item in items})


def _source(plan: Plan, encodings: Sequence[Step], given: Path | Sequence[Arrays]) -> Source:
    if not isinstance(given, Path):
        wanted = {stream for each in encodings for stream in each.recipe["modality"]["streams"]}
        return ArraySource(encodings[0].point.source, given, wanted)
    if given.is_file():
        raise ConfigError(f"{given}: is a file\n  give the folder that it lies in as its dataset has it, or arrays")
    job = make_job_for_others(plan, encodings[0], 0, "cpu")
    if "root" not in job.source:
        raise ConfigError(f"source {job.source['name']} reads no folder: it makes its recordings\n  give arrays")
    return open_source(OpenSource({**job.source, "root": str(given)}, job.code, job.folder))


class ArraySource:
    """Recordings in memory, called 0, 1, ..., with the modalities and classes of another source."""

    def __init__(self, like: Source, arrays: Sequence[Arrays], wanted: Collection[str]) -> None:
        self.name, self.root = "arrays", Path()
        self.classes, self.modalities = like.classes, like.modalities
        self._kinds = {stream: each.kind for each in self.modalities.values() for stream in each.streams}
        width = len(str(len(arrays) - 1))
        self._arrays = {f"{number:0{width}}": recording for number, recording in enumerate(arrays)}
        for number, recording in enumerate(arrays):
            self._check(number, recording, f"the model sees {', '.join(sorted(wanted))}")

    def _check(self, number: int, recording: object, wanted: str) -> None:
        """Raise ConfigError where a recording is none, or has what no recording of the experiment has."""
        if not isinstance(recording, Mapping):
            what = f"{type(recording).__name__}, and no dict from stream to array"
            raise ConfigError(f"recording {number}: is a {what}\n  {wanted}")
        for stream in recording:
            if stream in self._kinds:
                continue
            made_of = self.modalities.get(stream)
            hint = f"; {stream} is made of {', '.join(made_of.streams)}" if made_of else ""
            raise ConfigError(f"recording {number}: {stream} is no stream of the experiment\n  {wanted}{hint}")

    def list(self) -> Listing:
        """List them."""
        return Listing(
            tuple(
                Recording(
                    id_, "unknown", self.classes[0], "unknown", streams={stream: (stream,) for stream in recording}
                )
                for id_, recording in self._arrays.items()
            )
        )

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Look at one array."""
        values, _ = self._read(recording, stream)
        return Probe(len(values), tuple(values.shape[1:]))

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Return one array as a series."""
        values, times = self._read(recording, stream)
        is_skeleton = self._kinds[stream] == "skeleton"
        fits = values.ndim == 3 and values.shape[2] == 3 if is_skeleton else values.ndim == 2
        if values.dtype.kind not in "fiu" or not fits:
            shape = "(samples, joints, 3)" if is_skeleton else "(samples, channels)"
            raise BadRecording(recording.id, stream, stream, f"is {_described(values)}, wanted numbers {shape}")
        if times is not None and (times.shape != (len(values),) or (np.diff(times) < 0).any()):
            raise BadRecording(recording.id, stream, stream, "its times must be one for each sample, none decreasing")
        return Series(values.astype(np.float64), times)

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Return one array as a video."""
        values, _ = self._read(recording, stream)
        is_colour = values.dtype == np.uint8 and values.ndim == 4 and values.shape[-1] == 3
        if not is_colour and not (values.dtype == np.uint16 and values.ndim == 3):
            wanted = "(frames, H, W, 3) uint8 RGB or (frames, H, W) uint16 millimetres"
            raise BadRecording(recording.id, stream, stream, f"is {_described(values)}, wanted {wanted}")
        return ArrayVideo(values)

    def _read(self, recording: Recording, stream: str) -> tuple[Values, Values | None]:
        if stream not in recording.streams:
            raise BadRecording(recording.id, stream, stream, "is not given")
        given = self._arrays[recording.id][stream]
        if isinstance(given, tuple):
            values, times = given
            return np.asarray(values), np.asarray(times, np.float64)
        return np.asarray(given), None


class ArrayVideo(Video):
    """Frames in memory."""

    def __init__(self, values: Values) -> None:
        self.length = len(values)
        self.loaded = self._values = values

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Frames:
        """Yield frames."""
        yield from self._values if wanted is None else self._values[wanted]


def _described(values: Values) -> str:
    return f"{values.dtype} {values.shape}"
