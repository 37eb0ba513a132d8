"""Checks of what a model or a loss returns, see `trainers.data.batch.ModelOutput`; errors name the class at fault."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError


def checked_output(model: nn.Module, output: object, rows: int, classes: int | None = None) -> ModelOutput:
    """Return a model's outputs for `rows` recordings; TrainingError where they are not what `ModelOutput` says."""
    if not isinstance(output, dict) or not {"logits", "embedding", "streams", "maps"} <= output.keys():
        given = ", ".join(map(str, output)) if isinstance(output, dict) else type(output).__name__
        raise _mistake(model, f"gave {given or 'nothing'}, wanted a dict of logits, embedding, streams and maps")
    if not isinstance(output["streams"], dict) or not output["streams"]:
        raise _mistake(model, "gave no streams, wanted the logits (B, K) of one at least, by name")
    for name, values in {"logits": output["logits"], **output["streams"]}.items():
        if not _is_table(values, rows) or (classes is not None and values.shape[1] != classes):
            raise _mistake(model, f"gave {_describe(values)} as {name}, wanted {(rows, classes or 'K')}")
    if not _is_table(output["embedding"], rows):
        raise _mistake(model, f"gave {_describe(output['embedding'])} as embedding, wanted ({rows}, E)")
    return cast("ModelOutput", output)


def embedding_width(model: nn.Module) -> int:
    """Return how wide a model's embedding is, as it says; TrainingError where it does not."""
    width = getattr(getattr(model, "model", model), "embedding_width", None)
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        problem = "has no embedding_width" if width is None else f"has the embedding_width {width!r}"
        raise _mistake(model, f"{problem}, wanted the width of its embedding, which distillation asks for")
    return width


def checked_loss(distillation: object, loss: object) -> Tensor:
    """Return a loss; TrainingError where it is not one number that can be descended."""
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        where = type(distillation)
        raise TrainingError(
            f"loss {where.__name__} ({where.__module__}): gave {_describe(loss)}, wanted a tensor of one number\n"
            "  repair it there; trainers/fit/tasks/distil.py says what is wanted"
        )
    return loss


def _is_table(values: Any, rows: int) -> bool:
    return (
        isinstance(values, Tensor) and values.ndim == 2 and values.shape[0] == rows and torch.is_floating_point(values)
    )


def _describe(values: object) -> str:
    if isinstance(values, Tensor):
        return f"{str(values.dtype).removeprefix('torch.')} {tuple(values.shape)}"
    return type(values).__name__


def _mistake(model: nn.Module, what: str) -> TrainingError:
    where = type(getattr(model, "model", model))
    return TrainingError(
        f"model {where.__name__} ({where.__module__}): {what}\n"
        "  repair it there; trainers/data/batch.py says what is wanted"
    )
