"""Several teachers as one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.ensemble import Ensemble


class Fixed(nn.Module):
    """A model that gives the same chances whatever it sees."""

    def __init__(self, embedding: list[float], **streams: list[float]) -> None:
        super().__init__()
        self.embedding = torch.tensor([embedding])
        self.streams = {name.replace("_", "/"): torch.tensor([chances]).log() for name, chances in streams.items()}

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> ModelOutput:
        vote = torch.stack([each.softmax(-1) for each in self.streams.values()]).mean(0).log()
        return {"logits": vote + 3, "embedding": self.embedding, "streams": self.streams, "maps": (torch.ones(1),)}


def test_the_mean_of_probabilities_stream_by_stream_and_embeddings_side_by_side() -> None:
    """Votes 0.8 and 0.3 of the first class make 0.55; the stream that both have, 0.9 and 0.3, makes 0.6."""
    first = Fixed([1.0, 2.0], wrist_time=[0.9, 0.1], wrist_space=[0.7, 0.3])
    second = Fixed([5.0], wrist_time=[0.3, 0.7])
    made = Ensemble([first, second])({}, {})
    torch.testing.assert_close(made["logits"].exp(), torch.tensor([[0.55, 0.45]]))
    assert list(made["streams"]) == ["wrist/time", "wrist/space"]
    torch.testing.assert_close(made["streams"]["wrist/time"].exp(), torch.tensor([[0.6, 0.4]]))
    assert made["streams"]["wrist/space"] is first.streams["wrist/space"]
    assert made["embedding"].tolist() == [[1.0, 2.0, 5.0]]
    assert made["maps"] == ()
