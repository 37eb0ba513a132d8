"""Exported files of a trained model in the cache, with recordings to measure them on."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline.errors import BadRecording
from pipeline.keys.cache import read_cache, write_atomically, write_cache
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.report.inference.kept import export_folder

if TYPE_CHECKING:
    from pipeline.edge.export.export import Exported
    from pipeline.edge.runtime.measure import Batch

_ABOUT, _RECORDINGS = "export.json", "recordings.npz"
_MEASURED_ON = 10  # recordings
_ANY_LOSS = 100.0  # points of top-1 that int8 may cost: what it costs to run is shown beside that


class About(msgspec.Struct, frozen=True):
    """What is known of exported files: by what code, the network's size, and a digest of each file."""

    exporter: str
    parameters: int
    multiply_adds: int
    int8_points: float
    files: dict[str, str]


@dataclass(frozen=True)
class ExportedFiles:
    """The files of a model: ``fp32.onnx``, ``int8.onnx`` and recordings."""

    folder: Path
    about: About

    def model(self, precision: str) -> Path:
        """Return the ONNX file of a precision."""
        return self.folder / f"{precision}.onnx"

    @property
    def recordings(self) -> Path:
        """Return the file of recordings."""
        return self.folder / _RECORDINGS


def exported_files(key: str, exporter: str) -> ExportedFiles | None:
    """Return a model's files; None where they are not there, not whole, or made by other code."""
    folder = export_folder(key)
    content = read_cache(folder / _ABOUT)
    if content is None:
        return None
    try:
        about = msgspec.json.decode(content, type=About)
        whole = all(_digest((folder / name).read_bytes()) == digest for name, digest in about.files.items())
    except (msgspec.ValidationError, OSError):
        return None
    return ExportedFiles(folder, about) if whole and about.exporter == exporter else None


def export_files(plan: Plan, step: Step, exporter: str) -> ExportedFiles:
    """Export a trained step's model in fp32 and int8 into the cache; errors are those of `export_step`."""
    from pipeline.edge.export.export import Int8, export_step

    return keep_files(step.key, exporter, export_step(plan, step, {}, Int8(_ANY_LOSS)), _recordings(plan, step))


def keep_files(key: str, exporter: str, exported: Exported, recordings: list[Batch]) -> ExportedFiles:
    """Write an exported model, in both precisions, and recordings into the cache."""
    import numpy as np

    from pipeline.edge.runtime.measure import made_up, pack

    assert exported.int8 is not None
    folder, card = export_folder(key), exported.card
    files = {"fp32.onnx": exported.content, "int8.onnx": exported.int8}
    for name, content in files.items():
        write_atomically(folder / name, content)
    packed = io.BytesIO()
    np.savez_compressed(packed, **pack(recordings or made_up(folder / "fp32.onnx")))  # type: ignore[arg-type]
    files[_RECORDINGS] = packed.getvalue()
    write_atomically(folder / _RECORDINGS, files[_RECORDINGS])
    points = card.figures["compared"]["top1"] - card.figures["int8"]["top1"]
    digests = {name: _digest(content) for name, content in files.items()}
    about = About(exporter, card.parameters, card.multiply_adds, points, digests)
    write_cache(folder / _ABOUT, msgspec.json.encode(about))
    return ExportedFiles(folder, about)


def _recordings(plan: Plan, step: Step) -> list[Batch]:
    """Return some recordings that a step's model is tested on, or, where it is tested on none, was trained on."""
    import numpy as np

    from pipeline.edge.export.raw_data import raw_data
    from pipeline.edge.runtime.batch import padded

    sides = step.work["split"].as_work(step.work["validation"])
    rows = [row for row, _ in sides["test"] or sides["train"]]
    looked_at = [rows[place] for place in np.linspace(0, len(rows) - 1, min(len(rows), _MEASURED_ON)).astype(int)]

    def usable() -> Iterator[Batch]:
        with raw_data(plan, step) as data:
            for row in looked_at:
                try:
                    yield padded([data.read(row)])
                except BadRecording:
                    continue

    return list(usable())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
