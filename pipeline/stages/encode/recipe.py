"""What the encode stage reads of its step's recipe and work; recipes themselves are plain JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from pipeline.sources.base import Modality
from pipeline.sources.time_limits import SourceRecipe


@dataclass(frozen=True, kw_only=True)
class NamedModality(Modality):
    """The modality that is encoded, with the name that it has in the stages file."""

    name: str


class EncodeRecipe(msgspec.Struct, frozen=True):
    """A view of the recipe; ``params`` are those of the modality's kind, without ``weights``."""

    source: SourceRecipe
    modality: NamedModality
    params: dict[str, Any]


class EncodeWork(msgspec.Struct, frozen=True):
    """What is not in the recipe."""

    broken: dict[str, str]  # why a recording is known to be broken, by its id
    rows: tuple[str, ...] = ()  # for each, the hexadecimal digest of what it depends on beside the output's family
    weights: str | None = None  # as the stages file names them; None where the kind has no network
