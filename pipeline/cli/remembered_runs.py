"""The runs of a stages file, opened without a plan of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from pipeline.plan.planner import remotes
from pipeline.plan.runs.remembered import Run, Runs
from pipeline.plan.runs.settings import asked_of
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.schema import Experiment, convert
from pipeline.stagesfile.settings import are_locations, parse_setting, with_settings
from store import Store, StoreChain


@dataclass(frozen=True)
class Remembered:
    """The runs of a stages file."""

    runs: Runs
    chain: StoreChain  # the store that remembers them, and the remotes
    file_asked: dict[str, Any]  # what the stages file says now

    @classmethod
    def open(cls, path: Path, settings: Sequence[str]) -> Remembered:
        """Read which runs there are; ConfigError where `settings` are more than where things are."""
        parsed = [parse_setting(text) for text in settings]
        if not are_locations(parsed):
            key = next(key for key, _ in parsed if not are_locations([(key, None)]))
            raise ConfigError(f"--set {key}: a run has its settings\n  leave it out; `pipeline runs` lists them")
        file = read_document(path)
        document = with_settings(file, parsed, "--set")
        experiment = convert(document, "", document.values, Experiment)
        base = path.absolute().parent
        store = Store.open(experiment.store, base=base)
        return cls(Runs(store, path), StoreChain(store, remotes(experiment.remote, base)), asked_of(file))

    def find(self, names: Sequence[str]) -> list[Run]:
        """Return the runs of these numbers or names, each once."""
        return list({run.number: run for run in map(self.runs.find, names)}.values())
