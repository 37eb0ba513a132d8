"""What came out of a run that is remembered: by its record, whatever the stages file and the code are now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from pipeline.experiment.remembered_runs import Remembered
from pipeline.plan.recordings.output_readers import broken_items, index_rows, skipped_items
from pipeline.plan.runs.remembered import Run
from pipeline.plan.runs.settings import setting_text
from pipeline.report.html.gather.outcome import Encoding, Outcome
from pipeline.report.html.gather.steps import LeftOut, StepFacts, step_facts
from pipeline.report.html.gather.trainings import trainings_of_run
from pipeline.report.results import Evaluation
from pipeline.report.results_text import projection_notes
from store import Output, OutputName, Store


def outcome_of_run(name: str, path: Path, run: Run, remembered: Remembered, settings: Sequence[str]) -> Outcome:
    """Return what a run has left in the store; `settings` are where that is.

    Raises
    ------
    CorruptObject
        An output holds something else than its manifest lists, or than such an output holds.
    """
    record, store = run.record, remembered.chain.local
    here = {each for each in record.output_names if store.has(*each)}
    evaluations = [
        Evaluation(each.key, each.label, each.recordings, ("evaluate", each.key) in here) for each in record.evaluations
    ]
    edges = list(_edges(record.asked))
    index = next((store.output(*each) for each in sorted(here) if each[0] == "index"), None)
    encoded = {id_: store.output("encode", key) for id_, key in _of(record.outputs, "encode", here)}
    return Outcome(
        name=name,
        path=str(path),
        text=_as_yaml(record.asked),
        about=remembered.standing(run),
        run=run.title,
        settings=settings,
        trial=[setting_text(*setting) for setting in remembered.settings(run).items()],
        asked=record.asked,
        store=store,
        steps=_steps(record.outputs, edges, store, here),
        to_do=len(record.output_names - here),
        edges=edges,
        evaluations=evaluations,
        trainings=trainings_of_run(store, ((each.key, each.label) for each in evaluations), here),
        baselines=record.compared_with,
        encodings=list(_encodings(encoded.values())),
        recordings=list(index_rows(index)) if index else [],
        classes=_texts(index.manifest.recipe.get("classes")) if index else [],
        left_out=list(_left_out(index, encoded)),
        notes=projection_notes(each.manifest.recipe for each in encoded.values()),
    )


def _of(outputs: Mapping[str, Mapping[str, str]], stage: str, here: Collection[OutputName]) -> list[tuple[str, str]]:
    return [(id_, key) for id_, key in outputs.get(stage, {}).items() if (stage, key) in here]


def _steps(
    outputs: Mapping[str, Mapping[str, str]],
    edges: Sequence[tuple[str, str]],
    store: Store,
    here: Collection[OutputName],
) -> list[StepFacts]:
    """Return all steps, each entry's after those of entries that it needs."""
    needs: dict[str, list[str]] = {}
    for needed, needing in edges:
        needs.setdefault(needing, []).append(needed)
    place = {entry: at for at, entry in enumerate(TopologicalSorter(needs).static_order())}
    facts = [
        step_facts(store, id_, id_.partition("[")[0], stage, key, "cached" if (stage, key) in here else "not here")
        for stage, by_id in outputs.items()
        for id_, key in by_id.items()
    ]
    return sorted(facts, key=lambda each: place.get(each.entry, len(place)))


def _edges(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    stages = asked.get("stages")
    for entry, values in stages.items() if isinstance(stages, dict) else ():
        needs = values.get("needs") if isinstance(values, dict) else None
        for need in _texts(needs) or ["index"]:
            yield need, entry


def _encodings(encoded: Collection[Output]) -> Iterator[Encoding]:
    for output in encoded:
        match output.manifest.recipe:
            case {"modality": {"name": str(name), "streams": [str(stream), *_]}}:
                yield Encoding(output.manifest.key, name, stream)


def _left_out(index: Output | None, encoded: Mapping[str, Output]) -> Iterator[LeftOut]:
    broken = broken_items(index) if index else []
    for item in broken:
        found_by = "index" if item.recording else "listing"
        yield LeftOut(item.recording or "–", item.stream, f"{item.path}: {item.reason}", found_by)
    known = {item.recording for item in broken}
    for id_, output in encoded.items():
        for skipped in skipped_items(output):
            if skipped.recording not in known:
                yield LeftOut(skipped.recording, id_.partition("[")[2].rstrip("]"), skipped.reason, id_)


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _as_yaml(asked: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(asked), sort_keys=False, allow_unicode=True)
