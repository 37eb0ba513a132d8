"""What a model costs to run: multiply-adds, counted; time and memory, measured on the exported file."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.edge.card import Card
from pipeline.edge.export.onnx_file import example_batch
from pipeline.edge.export.raw_model import RawModel


def multiply_adds(graph: RawModel, card: Card) -> int:
    """Return the multiply-adds of the network for one recording, as torch counts them: a half of its operations."""
    batch = tuple(each[:1] for each in example_batch(card).values())
    graph.requires_grad_(False)  # the counter would follow gradients
    inputs, masks = graph.inputs(*batch)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        graph.network(inputs, masks)
    return int(counter.get_total_flops()) // 2
