"""The runs of a stages file, opened without a plan of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import ConfigError
from pipeline.plan.planner import remotes
from pipeline.plan.runs.remembered import Run, Runs, present
from pipeline.plan.runs.settings import asked_of, differing
from pipeline.report.runs.listing import standing_of
from pipeline.report.runs.side_by_side import Shown, shown_runs
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.schema import Experiment, convert
from pipeline.stagesfile.settings import are_locations, parse_setting, with_settings
from store import OutputName, Store, StoreChain


class FoundRuns(NamedTuple):
    """Runs of one stages file."""

    remembered: Remembered
    runs: list[Run]


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

    def standing(self, run: Run) -> str:
        """Say in a few words which run it is, and how it stands."""
        return standing_of(run, present(self.chain, [run]))

    def settings(self, run: Run) -> dict[str, Any]:
        """Return a run's settings beside what the file says now, by dotted key."""
        return differing(run.record.asked, self.file_asked)

    def figures_there(self, runs: Sequence[Run]) -> set[OutputName]:
        """Return the evaluations of runs that are in the store."""
        wanted = {("evaluate", each.key) for run in runs for each in run.record.evaluations}
        return {name for name in wanted if self.chain.local.has(*name)}

    def shown(self, runs: Sequence[Run]) -> list[Shown]:
        """Return what results are shown of runs: and where they differ; of one, where it differs from the file now."""
        shown = shown_runs(runs, self.figures_there(runs))
        if len(runs) == 1:
            shown = [replace(shown[0], settings=self.settings(runs[0]))]
        return shown

    def find(self, names: Sequence[str]) -> list[Run]:
        """Return the runs of these numbers or names, each once."""
        return list({run.number: run for run in map(self.runs.find, names)}.values())


def runs_by_file(paths: Sequence[Path], settings: Sequence[str], names: Sequence[str]) -> dict[Path, FoundRuns]:
    """Return runs by the stages file that remembers them; of files with none that is named there is nothing.

    A name is ``RUN``, or ``FILE:RUN`` where runs of several of the files are so called.
    """
    opened = {path: Remembered.open(path, settings) for path in paths}
    found: dict[Path, list[str]] = {}
    for name in names:
        file, _, own = name.rpartition(":")
        path = next((path for path in paths if str(path) == file), None)
        if path is None:
            path, own = _only_file(opened, name), name
        found.setdefault(path, []).append(own)
    return {path: FoundRuns(opened[path], opened[path].find(own)) for path, own in found.items()}


def _only_file(opened: Mapping[Path, Remembered], name: str) -> Path:
    having, problems = [], []
    for path, remembered in opened.items():
        try:
            remembered.runs.find(name)
            having.append(path)
        except ConfigError as error:
            problems.append(str(error))
    if not having:
        raise ConfigError("\n".join(problems))
    if len(having) > 1:
        choice = ", ".join(f"{path}:{name}" for path in having)
        raise ConfigError(f"RUN {name}: {' and '.join(map(str, having))} have one each\n  say which: {choice}")
    return having[0]
