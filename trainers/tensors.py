"""Tensors and JSON metadata as safetensors bytes and back; nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from trainers.errors import TrainingError

ENTRY = "json"  # a single metadata entry: with several, the file format leaves their order open


def pack(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bytes:
    """Serialise; equal contents give equal bytes."""
    held = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    return safetensors.torch.save(held, {ENTRY: json.dumps(metadata, sort_keys=True, separators=(",", ":"))})


def unpack(content: bytes, what: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `pack` wrote; TrainingError, which says `what` that is, for anything else."""
    try:
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return tensors, json.loads(header["__metadata__"][ENTRY])
    except (SafetensorError, ValueError, KeyError) as error:
        raise TrainingError(f"{what}: not readable ({error}); delete it and run the step again") from error
