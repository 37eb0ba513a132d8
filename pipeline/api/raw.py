"""Recordings that are in no experiment, encoded as a model's own were: from a folder of the same dataset, or arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from store import Output, Store

Values = NDArray[Any]
Arrays = Mapping[str, Values | tuple[Values, Values]]  # by stream: values, or values and times in seconds
Frames = Iterator[NDArray[np.uint8] | NDArray[np.uint16]]


class Encoded:
    """Feature outputs of some recordings, by the id of the step that made them, and those that cannot be used."""

    def __init__(self, recordings: Sequence[Recording], outputs: Mapping[str, Output]) -> None:
        self.recordings = recordings
        self.outputs = outputs
        self.broken = {
            item.recording: item.reason
            for output in outputs.values()
            if output.manifest.stage == "encode"
            for item in skipped_items(output)
        }


@contextmanager
def encoded(plan: Plan, model: Step, given: Path | Sequence[Arrays], device: str) -> Iterator[Encoded]:
    """Encode recordings for a model, in a store that is gone afterwards; BadRecording never, see `Encoded.broken`."""
    inputs = [model.work["features"][name] for name in model.work["inputs"]]
    needed = with_needs(plan, inputs)
    steps = [step for step in plan.steps.values() if step.id in needed and step.stage != "index"]
    source = _source(plan, [step for step in steps if step.stage == "encode"], given)
    recordings = source.list().recordings
    if not recordings:
        raise ConfigError("there are no recordings\n  give one at least")
    with tempfile.TemporaryDirectory(prefix="harvest-") as folder:
        store, outputs = Store.open(folder), dict[str, Output]()
        for step in steps:
            job = make_job_for_others(plan, step, len(recordings), device)
            job = msgspec.structs.replace(job, store=store.url, on_bad_recording="skip")
            read = {need: outputs[need] for need in step.needs if need in outputs}
            with store.draft(step.stage, step.key, recipe=step.recipe, inputs=[]) as draft:
                context = make_context(job, draft, read, source if step.stage == "encode" else None, device, silent)
                import_hashed(STAGES[step.stage].run, job.code)(context)
                outputs[step.id] = draft.publish({})
        yield Encoded(recordings, outputs)


def _source(plan: Plan, encodings: Sequence[Step], given: Path | Sequence[Arrays]) -> Source:
    if not isinstance(given, Path):
        wanted = {stream for each in encodings for stream in each.recipe["modality"]["streams"]}
        return ArraySource(encodings[0].point.source, given, wanted)
    job = make_job_for_others(plan, encodings[0], 0, "cpu")
    if "root" not in job.source:
        raise ConfigError(f"source {job.source['name']} reads no folder: it makes its recordings\n  give arrays")
    return open_source(OpenSource({**job.source, "root": str(given)}, job.code, job.folder))


class ArraySource:
    """Recordings in memory, called 0, 1, ..., with the modalities and classes of another source."""

    def __init__(self, like: Source, arrays: Sequence[Arrays], wanted: Collection[str]) -> None:
        self.name, self.root = "arrays", Path()
        self.classes, self.modalities = like.classes, like.modalities
        streams = {stream for modality in self.modalities.values() for stream in modality.streams}
        width = len(str(len(arrays) - 1))
        self._arrays = {f"{number:0{width}}": recording for number, recording in enumerate(arrays)}
        for number, recording in self._arrays.items():
            if unknown := [stream for stream in recording if stream not in streams]:
                raise ConfigError(
                    f"recording {number}: {unknown[0]} is no stream of the experiment\n"
                    f"  the model sees {', '.join(sorted(wanted))}"
                )

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
        if values.dtype.kind not in "fiu" or values.ndim not in (2, 3):
            shapes = "(samples, channels), or (samples, joints, 3) of a skeleton"
            raise BadRecording(recording.id, stream, stream, f"is {_described(values)}, wanted numbers {shapes}")
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
