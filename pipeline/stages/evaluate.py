"""The evaluate stage: a trained model's probabilities for every test recording of its fold, and the metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from safetensors.torch import save

from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.load import load_trained
from trainers.evaluation.metrics import confusion, macro_f1, per_class, per_modality, top1, vskd_f1
from trainers.fit.predict import Prediction, predict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.stages.context import Context


class EvaluateWork(msgspec.Struct, frozen=True):
    """What the stage reads of its work."""

    model: str  # the id of the step that trained it
    inputs: list[str]  # what the model takes, in order
    test_recordings: list[tuple[str, str]]  # id and subject of each recording of the fold's test side
    classes: list[str]  # in label order


def run(context: Context) -> dict[str, Any]:
    """Write ``predictions.jsonl``, ``metrics.json`` and ``probabilities.safetensors``.

    Probabilities are ``vote`` (N, K) and one (N, K) array a stream, rows as in ``predictions.jsonl``.
    """
    work = msgspec.convert(context.work, EvaluateWork)
    data, kept = read_recordings(context, "test", work.inputs)
    context.progress(0, len(data), "recordings")
    prediction = predict(load_trained(context, work.model), data, context.device)
    labels = data.labels.numpy()
    recordings = [work.test_recordings[place] for place in kept]
    arrays = {"vote": prediction.probabilities.contiguous()}
    arrays |= {name: values.contiguous() for name, values in prediction.streams.items()}
    context.draft.write("probabilities.safetensors", save(arrays))
    context.draft.write("predictions.jsonl", _lines(recordings, labels, prediction, work.classes).encode())
    context.draft.write("metrics.json", json.dumps(_metrics(labels, prediction, work.classes), indent=1).encode())
    return {"recordings": len(data)}


def _lines(
    recordings: list[tuple[str, str]], labels: NDArray[np.int64], prediction: Prediction, classes: list[str]
) -> str:
    probabilities, predicted = prediction.probabilities.max(-1)
    rows = zip(recordings, labels.tolist(), predicted.tolist(), probabilities.tolist(), strict=True)
    return "".join(
        json.dumps(
            {
                "recording": recording,
                "subject": subject,
                "label": classes[label],
                "predicted": classes[guess],
                "probability": round(probability, 6),
            }
        )
        + "\n"
        for (recording, subject), label, guess, probability in rows
    )


def _metrics(labels: NDArray[np.int64], prediction: Prediction, classes: list[str]) -> dict[str, Any]:
    predicted = prediction.logits.argmax(-1).numpy()
    streams = {name: values.numpy() for name, values in prediction.streams.items()}
    return {
        "top1": top1(labels, predicted),
        "macro_f1": macro_f1(labels, predicted),
        "vskd_f1": vskd_f1(labels, predicted, prediction.logits.numpy()),
        "per_modality": per_modality(labels, streams),
        "per_class": per_class(labels, predicted, classes),
        "confusion": confusion(labels, predicted, len(classes)).tolist(),
    }
