"""Trained models that vote as one: by the sum of their streams' probabilities, or by the product."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.data.input_names import modality_of
from trainers.data.standardise import Standardised
from trainers.models.ensemble.params import Rule


class Ensemble(nn.Module):
    """Trained models, each behind its own standardiser, and the vote of all their streams.

    Streams of one name in several members, ``skeleton/temporal`` of the same network with another seed, are joined by
    the rule, and count as many as they are. A stream whose modality has no valid patch has no vote; where none has one,
    all count. Where all that are there weigh 0, they count alike.

    Parameters
    ----------
    members
        By name.
    inputs
        Names of those that each member takes.
    rule, weights
        See `trainers.models.ensemble.params.EnsembleParams`.
    """

    def __init__(
        self,
        members: Mapping[str, Standardised],
        inputs: Mapping[str, tuple[str, ...]],
        rule: Rule,
        weights: Mapping[str, float],
    ) -> None:
        super().__init__()
        self.members = nn.ModuleDict({module_name(name): model for name, model in members.items()})
        self.inputs = dict(inputs)
        self.rule = rule
        self.weights = dict(weights)
        widths: list[Any] = [model.model.embedding_width for model in members.values()]
        self.embedding_width = sum(widths)
        tolerances = [tolerance for model in members.values() if (tolerance := _export_tolerance(model)) is not None]
        if tolerances:
            self.export_tolerance = max(tolerances)

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify raw inputs by all members; the embedding is theirs side by side."""
        outputs: list[ModelOutput] = []
        for name, taken in self.inputs.items():
            of_member = ({each: values[each] for each in taken if each in values} for values in (inputs, valid))
            outputs.append(self.members[module_name(name)](*of_member))
        voices: dict[str, list[Tensor]] = {}
        for output in outputs:
            for name, logits in output["streams"].items():
                voices.setdefault(name, []).append(logits)
        streams = {name: self._joined(several) for name, several in voices.items()}
        return {
            "logits": self._vote(streams, [len(several) for several in voices.values()], valid),
            "embedding": torch.cat([output["embedding"].float() for output in outputs], dim=-1),
            "streams": streams,
            "maps": (),
        }

    def _joined(self, voices: Sequence[Tensor]) -> Tensor:
        """Return logits (B, K) of what several say of one stream; one alone is left as it is."""
        if len(voices) == 1:
            return voices[0]
        logs = torch.stack([logits.float().log_softmax(-1) for logits in voices])
        return logs.mean(0) if self.rule == "product" else logs.logsumexp(0) - math.log(len(voices))

    def _vote(self, streams: Mapping[str, Tensor], counts: Sequence[int], valid: Mapping[str, Tensor]) -> Tensor:
        """Return logarithms of probabilities (B, K)."""
        logs = torch.stack([logits.float().log_softmax(-1) for logits in streams.values()])  # (S, B, K)
        weights = [self.weights.get(voice_of(name), 1.0) for name in streams]
        worth = logs.new_tensor([weight * count for weight, count in zip(weights, counts, strict=True)])
        counted = torch.stack([_is_there(name, valid, logs) for name in streams])  # (S, B)
        there = counted | ~counted.any(0)  # (S, B)
        shares = worth.unsqueeze(-1) * there
        shares = torch.where(shares.sum(0) > 0, shares, there.to(shares.dtype))
        shares = (shares / shares.sum(0)).unsqueeze(-1)  # (S, B, 1)
        if self.rule == "product":
            return (shares * logs).sum(0).log_softmax(-1)
        return torch.where(shares > 0, logs + shares.log(), -math.inf).logsumexp(0)


def _export_tolerance(model: Standardised) -> float | None:
    """Return how far an exported model's probabilities may be off, where it says so itself."""
    return getattr(model.model, "export_tolerance", None)


def module_name(member: str) -> str:
    """Return what a member's module is called: torch allows no dot in it, and no name that a dict has already."""
    return f"{member.replace('.', '/')}/"


def voice_of(stream: str) -> str:
    """Return the modality, or the joined ones, that a stream votes for."""
    return "+".join(modality_of(name) for name in stream.rpartition("/")[0].split("+"))


def _is_there(stream: str, valid: Mapping[str, Tensor], logs: Tensor) -> Tensor:
    """Tell of which recordings (B,) any input of a stream has a valid patch."""
    masks = [valid[name].any(1) for name in stream.rpartition("/")[0].split("+") if name in valid]
    if not masks:
        return torch.ones(logs.shape[1], dtype=torch.bool, device=logs.device)
    return torch.stack(masks).any(0)
