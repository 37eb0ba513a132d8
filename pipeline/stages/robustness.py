"""The robustness stage: a trained model's figures on its test recordings with sensors absent or harmed."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.load import load_trained
from trainers.data.input_names import modality_of
from trainers.evaluation.metrics import macro_f1, top1
from trainers.fit.predict import Prediction, predict
from trainers.robustness.channels import Channels, channels_of
from trainers.robustness.conditions import HARMS, Condition, Harm, conditions
from trainers.robustness.harmed import possible_harms, under
from trainers.robustness.params import RobustnessParams
from trainers.robustness.vote import stream_accuracies, weighted_vote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from pipeline.stages.context import Context, ShardDraft
    from trainers.data.recordings import RecordingData

_SCRATCH = "conditions.json"


class Clock(msgspec.Struct, frozen=True):
    """A modality's streams, and their nominal rate in Hz."""

    streams: list[str]
    rate: float


class RobustnessWork(msgspec.Struct, frozen=True):
    """What the stage reads of its work."""

    model: str  # the id of the step that trained it
    index: str  # that of the table of recordings
    inputs: list[str]  # what the model takes, in order
    clocks: dict[str, Clock]  # by modality
    test: list[tuple[int, int]]  # row and label of each recording
    validation: list[tuple[int, int]]


class Figures(msgspec.Struct, frozen=True):
    """What became of one condition, as fractions."""

    condition: Condition
    top1: float
    macro_f1: float


class _Row(msgspec.Struct, frozen=True):
    """What is read of an index's row."""

    lengths: dict[str, int]


def run(context: Context) -> dict[str, Any]:
    """Write ``robustness.json``; conditions that were tested before a stop are not tested again."""
    work = msgspec.convert(context.work, RobustnessWork)
    params = msgspec.convert(context.recipe["params"], RobustnessParams)
    data, kept = read_recordings(context, "test", work.inputs)
    model = load_trained(context, work.model)
    possible = {each.modality: possible_harms(each) for each in data.inputs.values()}
    asked = conditions(params, list(possible), possible)
    channels = _channels(context, work, {each.modality for each in asked if each.modality})
    weights = _weights(context, work, model) if params.vote == "weighted" else None
    seconds = _seconds(context, work, [work.test[place][0] for place in kept], possible)
    done = _Done(context.draft)
    for number, condition in enumerate(asked):
        context.progress(number, len(asked), "conditions")
        if condition not in done.figures:
            prediction = predict(model, under(condition, data, channels, seconds, params.seed), context.device)
            done.add(_figures(condition, prediction, data.labels, weights))
    context.draft.write("robustness.json", _encoded([done.figures[each] for each in asked], possible, weights))
    return {"recordings": len(data), "conditions": len(asked)}


class _Done:
    """The conditions that have been tested, in the draft's scratch, too."""

    def __init__(self, draft: ShardDraft) -> None:
        self._draft = draft
        known: list[Figures] = []
        with suppress(msgspec.MsgspecError):  # what somebody else left there
            known = msgspec.json.decode(draft.scratch_read(_SCRATCH) or b"[]", type=list[Figures])
        self.figures = {each.condition: each for each in known}

    def add(self, figures: Figures) -> None:
        self.figures[figures.condition] = figures
        self._draft.scratch_write(_SCRATCH, msgspec.json.encode([*self.figures.values()]))


def _channels(context: Context, work: RobustnessWork, modalities: set[str]) -> dict[str, Channels]:
    """Measure the channels of some modalities on the training side."""
    names = [name for name in work.inputs if modality_of(name) in modalities]
    if not names:
        return {}
    training, _ = read_recordings(context, "train", names)
    return {each.modality: channels_of(each) for each in training.inputs.values()}


def _weights(context: Context, work: RobustnessWork, model: nn.Module) -> dict[str, float]:
    """Return each stream's accuracy on what was set apart from training, or else on the training side."""
    data: RecordingData
    data, _ = read_recordings(context, "validation" if work.validation else "train", work.inputs)
    return stream_accuracies(predict(model, data, context.device).streams, data.labels)


def _seconds(
    context: Context, work: RobustnessWork, rows: Sequence[int], modalities: dict[str, Sequence[Harm]]
) -> dict[str, Tensor]:
    """Return how long recordings at `rows` are (N,), by modality: its shortest stream, by the samples in the index."""
    lengths = [each.lengths for each in context.outputs[work.index].read_lines("recordings.jsonl", _Row)]
    seconds = {}
    for modality in modalities:
        clock = work.clocks[modality]
        samples = [min(lengths[row].get(stream, 2) for stream in clock.streams) for row in rows]
        seconds[modality] = torch.tensor(samples).sub(1).clamp(min=1) / clock.rate
    return seconds


def _figures(condition: Condition, prediction: Prediction, labels: Tensor, weights: dict[str, float] | None) -> Figures:
    voted = prediction.logits
    if weights is not None:
        voted = weighted_vote(prediction.streams, weights, condition.absent)
    true, predicted = labels.cpu().numpy(), voted.argmax(-1).numpy()
    return Figures(condition, top1(true, predicted), macro_f1(true, predicted))


def _encoded(figures: list[Figures], possible: dict[str, Sequence[Harm]], weights: dict[str, float] | None) -> bytes:
    found: dict[str, Any] = {
        "conditions": [
            {**msgspec.to_builtins(each.condition), "top1": each.top1, "macro_f1": each.macro_f1} for each in figures
        ],
        "impossible": {name: [harm for harm in HARMS if harm not in harms] for name, harms in possible.items()},
    }
    if weights is not None:
        found["weights"] = weights
    return json.dumps(found, indent=1).encode()
