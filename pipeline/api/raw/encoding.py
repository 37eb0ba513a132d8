"""Recordings that are in no experiment, encoded as a model's own were: from a folder of the same dataset, or arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline.api.contexts import silent
from pipeline.api.raw.arrays import Arrays, ArraySource, Sample
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
from pipeline.sources.base import Recording, Source
from pipeline.stages.encode.encoder import NothingUsable
from store import Output, Store
from store.features import open_features


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
        expected: dict[str, Sample] = {}
        for each in encodings:
            expected |= _samples(plan, each)
        return ArraySource(encodings[0].point.source, given, expected)
    if given.is_file():
        raise ConfigError(f"{given}: is a file\n  give the folder that it lies in as its dataset has it, or arrays")
    job = make_job_for_others(plan, encodings[0], 0, "cpu")
    if "root" not in job.source:
        raise ConfigError(f"source {job.source['name']} reads no folder: it makes its recordings\n  give arrays")
    return open_source(OpenSource({**job.source, "root": str(given)}, job.code, job.folder))


def _samples(plan: Plan, encoding: Step) -> dict[str, Sample]:
    """Return what a sample or frame of each stream is like in the recordings of an encode step, as far as is known."""
    streams = encoding.recipe["modality"]["streams"]
    if encoding.recipe["modality"]["kind"] == "video":
        return {stream: _frame(plan, encoding.point.source, stream) for stream in streams}
    if plan.states[encoding.id] != "cached":
        return dict.fromkeys(streams)
    attributes = open_features(plan.store.output(encoding.stage, encoding.key)).attributes
    return {stream: tuple(shape) for stream, shape in zip(streams, attributes["sample_shapes"], strict=True)}


def _frame(plan: Plan, source: Source, stream: str) -> Sample:
    """Return the shape of a frame without height and width: (3,) in colour, () of depth; None where no file tells."""
    recording = next((each for each in plan.table.listing.recordings if stream in each.streams), None)
    if recording is None or not plan.table.present:
        return None
    try:
        return source.probe(recording, stream).shape[2:]
    except (BadRecording, OSError):
        return None
