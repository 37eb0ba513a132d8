"""Export a trained step: its graph, held against what it was trained on, with a card, in fp32 and in int8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from pipeline.api.contexts import context_of
from pipeline.api.steps import output_of
from pipeline.edge.card import Card, Span
from pipeline.edge.export.build import build_graph
from pipeline.edge.export.cost import multiply_adds
from pipeline.edge.export.onnx_file import onnx_file, with_card
from pipeline.edge.export.parity import check_parity, exported_probabilities, reference
from pipeline.edge.export.quantise import quantised
from pipeline.edge.export.raw_data import RawData, raw_data
from pipeline.edge.export.raw_model import RawModel
from pipeline.edge.runtime.model import Model, model_of
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.run.jobs import make_job
from pipeline.stages.train.load import load_trained
from pipeline.version import DISTRIBUTION, full_version

_CALIBRATION = 100  # recordings


@dataclass(frozen=True)
class Exported:
    """A model as files.

    Attributes
    ----------
    card, content
        In fp32.
    int8
        The same in int8; None where that was not asked for, or was refused.
    refused
        Why there is no int8.
    """

    card: Card
    content: bytes
    int8: bytes | None = None
    refused: str = ""


@dataclass(frozen=True)
class Int8:
    """What int8 may cost: points of top-1 on the recordings that are tested."""

    most_points: float = 1.0


def export_step(plan: Plan, step: Step, figures: Mapping[str, Any], int8: Int8 | None = None) -> Exported:
    """Export the trained model of a step.

    Raises
    ------
    ConfigError
        A part of it cannot lie in a graph.
    StepError
        It is not trained yet, its raw data is not here, or the exported file says something else than the model.
    """
    output = output_of(plan, step)
    outputs = {id_: output_of(plan, plan.steps[id_]) for id_ in step.work["features"].values()}
    context = context_of(make_job(plan, step, "cpu"), {step.id: output, **outputs})
    network = load_trained(context, step.id)
    graph = build_graph(plan, step, network, context.resolve)
    side = "test" if context.work["test"] else "train"
    with raw_data(plan, step) as data:
        trained = [row for row, _ in context.work["train"]]
        card = _card(plan, step, graph, data.streams(trained, _source_section(step)), len(trained))
        card = msgspec.structs.replace(card, multiply_adds=multiply_adds(graph, card), window=data.window(trained))
        file = onnx_file(graph, card)
        expected = reference(network, context, side, step.work["inputs"])
        model = model_of(file.content)
        differences = check_parity(model, data, expected)
        found = {**figures, "compared": {"side": side, "recordings": len(expected.rows), "top1": 100 * expected.top1}}
        card = msgspec.structs.replace(card, figures={**found, "greatest_difference": differences})
        content = with_card(file.content, card)
        if int8 is None:
            return Exported(card, content)
        step_size = max(1, len(trained) // _CALIBRATION)
        recordings = (data.read(row) for row in trained[::step_size])
        small = quantised(content, card, file.network, recordings)
        return _judged(Exported(card, content), small, data, expected.rows, expected.labels, int8)


def _judged(exported: Exported, small: bytes, data: RawData, rows: Sequence[int], labels: Any, int8: Int8) -> Exported:
    """Add a model in int8, or why it is refused."""
    model: Model = model_of(small)
    found = exported_probabilities(model, data, rows, 1)
    before, after = exported.card.figures["compared"]["top1"], 100 * float(np.mean(found.argmax(1) == labels))
    if before - after > int8.most_points:
        lost = f"int8 costs {before - after:.2f} points of top-1 ({before:.2f} to {after:.2f})"
        return replace(exported, refused=f"{lost}, more than {int8.most_points:g}: it is not written")
    compared = exported.card.figures["compared"]
    figures = {**exported.card.figures, "int8": {**compared, "top1": after}}
    card = msgspec.structs.replace(exported.card, figures=figures)
    own = msgspec.structs.replace(card, precision="int8")
    return Exported(card, with_card(exported.content, card), with_card(small, own))


def _card(plan: Plan, step: Step, graph: RawModel, streams: Any, trained: int) -> Card:
    subjects = step.work["split"].as_work(step.work["validation"])["train"]
    listed = plan.table.listing.recordings
    return Card(
        model=step.entry,
        step=step.id,
        key=step.key,
        dataset=step.point.source.name,
        source=_source_section(step),
        protocol=str(step.labels[0]["protocol"]),
        trained_on={"recordings": trained, "subjects": sorted({listed[row].subject for row, _ in subjects})},
        classes=tuple(step.point.source.classes),
        streams=streams,
        spans=tuple(_spans(graph)),
        parameters=sum(weight.numel() for weight in graph.network.parameters()),
        program=f"{DISTRIBUTION} {full_version()}",
    )


def _source_section(step: Step) -> dict[str, Any]:
    """Return the source as the stages file describes it, without where it lies."""
    return {name: value for name, value in step.point.experiment.source.items() if name != "root"}


def _spans(graph: RawModel) -> Iterator[Span]:
    for name, modality in graph.graphs.items():
        spec = modality.spec
        assert spec.align != "spread"
        seconds = 0.0 if spec.align == "resample" else (spec.length - 1) / modality.rate
        yield Span(modality=name, streams=tuple(modality.streams), align=spec.align, seconds=seconds)
