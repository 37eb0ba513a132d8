"""One entry of a stages file: its stage, what it reads, and its parameters as written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.registry import TRAINED, PlugIn


@dataclass(frozen=True)
class Entry:
    """A named stage of an experiment; ``body`` has its parameters as written (see `pipeline.stagesfile.parameters`)."""

    name: str
    stage: str
    needs: tuple[str, ...]
    body: Mapping[str, Any]
    plugin: PlugIn | None = None  # what does the work of a `transform`

    @property
    def dotted_key(self) -> str:
        """Where the entry stands in the stages file: ``stages.teacher``."""
        return f"stages.{self.name}"

    @property
    def begins_with(self) -> str:
        """The entry whose model its own begins with; empty where there is none."""
        named = self.body.get("init_from") if self.stage in TRAINED else None
        return named if isinstance(named, str) else ""

    @property
    def reads(self) -> tuple[str, ...]:
        """All entries that it reads: those that it needs, and what its model begins with."""
        return tuple(dict.fromkeys((*self.needs, *([self.begins_with] if self.begins_with else ()))))

    @property
    def shown(self) -> str:
        """The stage as the stages file names it."""
        return self.plugin.name if self.plugin else self.stage
