"""An opened experiment: run it, and take its results, features, models and figures into a notebook or script."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.api.errors import raises_pipeline_errors
from pipeline.api.settings import setting_texts
from pipeline.api.table import Table
from pipeline.errors import ConfigError, StepError
from pipeline.experiment.planning import plan_of
from pipeline.experiment.remembered_runs import Remembered
from pipeline.experiment.running import run_experiment
from pipeline.formatting import counted
from pipeline.plan.planner import Plan
from pipeline.plan.runs.remembered import present
from pipeline.plugins.loading import use_folder
from pipeline.report.breakdown import By
from pipeline.report.runs import listing
from pipeline.report.status import standing
from pipeline.run.outcome import Outcome, RunOptions
from pipeline.run.selection import check_entry
from pipeline.stagesfile.settings import are_locations, parse_setting

if TYPE_CHECKING:
    import xarray

    from pipeline.api.dataset import RecordingDataset
    from pipeline.api.figures import Figures, Report
    from pipeline.api.model import TrainedModel

Device = Literal["auto", "cpu", "cuda"]
_log = logging.getLogger(__name__)
_DEVICES = ("auto", "cpu", "cuda")
_TAKEN = ("recording", "subject", "action", "session")  # columns of every table of recordings


@raises_pipeline_errors
def open_experiment(path: str | PathLike[str] = "stages.yaml", settings: Mapping[str, Any] | None = None) -> Experiment:
    """Open a stages file.

    Parameters
    ----------
    path
        The stages file.
    settings
        Keys of it to override, as ``--set`` does: ``{"stages.student.fit.epochs": 40}``.

    Raises
    ------
    ConfigError
        What is off in the file; like all errors of this package a `PipelineError`.
    """
    texts = setting_texts(settings or {})
    return Experiment(plan_of(Path(path), texts), texts)


class Experiment:
    """A stages file as it was when it was opened, and its store as it is whenever something is asked for.

    Entries are named as in the stages file, single steps by their ids (``teacher[subjects=odd,seed=0]``), which
    `status` lists. Every method raises `PipelineError`, whose message says what to do.
    """

    def __init__(self, plan: Plan, settings: tuple[str, ...]) -> None:
        self._plan, self._settings = plan, settings

    def __repr__(self) -> str:
        states = Counter(self._plan.states.values())
        counts = ", ".join(f"{count} {state}" for state, count in states.items())
        settings = "".join(f" --set {text}" for text in self._settings)
        return f"<{self._plan.path}{settings}: {len(self._plan.steps)} steps, {counts}; store {self._plan.store.url}>"

    @property
    def entries(self) -> list[str]:
        """Names of the stages file's entries, in the order in which they can be done."""
        return list(dict.fromkeys(entry for step in self._plan.steps.values() for entry in step.entries))

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in label order."""
        return list(dict.fromkeys(each for point in self._plan.points for each in point.source.classes))

    @property
    def folds(self) -> list[str]:
        """Names of the folds, as features have them; where points of a matrix divide otherwise, with the point."""
        from pipeline.api.steps import folds_of

        return list(folds_of(self._plan))

    @raises_pipeline_errors
    def run(
        self,
        until: str | None = None,
        *,
        only: str | None = None,
        force: Sequence[str] = (),
        jobs: int | None = None,
        device: Device = "auto",
        wait: bool = True,
    ) -> Experiment:
        """Run the steps that are not in the store, as ``pipeline run`` does; StepError where one fails.

        Parameters
        ----------
        until, only
            An entry: this and what it needs, or this alone.
        force
            Entries that run again although they are there.
        jobs
            Steps at a time; left out: one a core, at most 8.
        device
            Where networks run.
        wait
            Wait for steps that another run is doing.

        Returns
        -------
        Experiment
            Itself.
        """
        if device not in _DEVICES or (jobs is not None and (not isinstance(jobs, int) or jobs < 1)):
            raise ConfigError(f"device {device}, jobs {jobs}: not so\n  device: {', '.join(_DEVICES)}; jobs: from 1")
        force = (force,) if isinstance(force, str) else tuple(force)
        plan = self._again()
        for option, entry in ("until", until), ("only", only), *(("force", each) for each in force):
            check_entry(plan, option, entry)
        options = RunOptions(until=until, only=only, force=force, jobs=jobs, device=device, wait=wait)
        total = Outcome()
        self._plan, _ = run_experiment(plan, self._again, options, total)
        if total.unsuccessful:
            first = next(iter(total.failed.items()), None)
            reason = f": {first[0]}: {first[1].message}" if first else ""
            left_out = f", {counted(len(total.skipped), 'step')} left out" if total.skipped else ""
            raise StepError(f"{counted(len(total.failed), 'step')} failed{left_out}{reason}")
        return self

    @raises_pipeline_errors
    def status(self) -> Table:
        """Return every step with its ``state`` (cached, remote, partial, todo), key, and why it would run."""
        plan = self._again()
        return Table(
            {"step": step.id, "entry": step.entry, "stage": step.stage}
            | {name: standing(plan, step)[name] for name in ("state", "reasons", "key")}
            for step in plan.steps.values()
        )

    @raises_pipeline_errors
    def recordings(self) -> Table:
        """Return the recordings in the order of rows: id, subject, action, session, and further columns."""
        plan = self._again()
        return Table(
            {"recording": each.id, "subject": each.subject, "action": each.action, "session": each.session}
            | {f"columns.{name}" if name in _TAKEN else name: value for name, value in each.columns.items()}
            for each in plan.table.listing.recordings
        )

    @raises_pipeline_errors
    def results(self, *runs: int | str, by: By | Literal["seed"] | None = None, per_modality: bool = False) -> Table:
        """Return mean and deviation over seeds of every model, in percent: the columns of ``results --format csv``.

        Parameters
        ----------
        *runs
            Numbers or names of runs that are remembered; left out: the stages file as it stands.
        by
            Break figures down by ``fold``, ``subject`` or ``seed``.
        per_modality
            Add each modality's own top-1.
        """
        from pipeline.api.results import results_of

        plan = self._again()
        return results_of(plan, Remembered.open(plan.path, self._places()), list(map(str, runs)), by, per_modality)

    @raises_pipeline_errors
    def cost(self) -> Table:
        """Return what every model costs to run: the columns of ``results --cost``, which measures what is not known."""
        from pipeline.edge.cost.costs import model_costs
        from pipeline.report.formats.results_csv import cost_lines
        from pipeline.report.inference.sheet import cost_notes

        rows = model_costs(self._again(), _log.info)
        return Table(cost_lines(rows), cost_notes(rows))

    @raises_pipeline_errors
    def predictions(self, model: str | None = None) -> Table:
        """Return what each model, or the one of this entry, said of each test recording, by fold and seed."""
        from pipeline.api.results import predictions_of

        return predictions_of(self._again(), model)

    @raises_pipeline_errors
    def runs(self) -> Table:
        """Return the runs that are remembered, the newest first, with the settings of each."""
        remembered = Remembered.open(self._plan.path, self._places())
        there = present(remembered.chain, remembered.runs.listed)
        listed = (listing.as_json(run, there, remembered.file_asked) for run in remembered.runs.listed)
        return Table({name: value for name, value in each.items() if name != "results"} for each in listed)

    @raises_pipeline_errors
    def features(self, modality: str, entry: str | None = None) -> xarray.Dataset:
        """Return stored features of all recordings, read when they are used and compared with their checksums.

        Row ``i`` is recording ``i`` of the index; a recording that is broken has an empty row, not `valid`.

        Parameters
        ----------
        modality
            Whose.
        entry
            Which entry's, where several make features of it; a gaf entry's are images.

        Returns
        -------
        xarray.Dataset
            ``features`` (recording, patch, feature), ``valid`` (recording, patch), and ``series``
            (recording, sample, channel) where it is kept, or ``images`` (recording, plane, row, column). Coordinates:
            ``recording``, ``subject``, ``action``, ``session``, ``label``, ``fold``, ``side`` (recording, fold), which
            is train, test or empty, and ``time`` of the patches.
        """
        from pipeline.api.features import features_of
        from pipeline.api.steps import feature_step

        plan = self._again()
        return features_of(plan, feature_step(plan, modality, entry))

    @raises_pipeline_errors
    def dataset(
        self,
        entry: str,
        side: Literal["train", "validation", "test"] = "train",
        *,
        fold: str | None = None,
        augment: bool = False,
    ) -> RecordingDataset:
        """Return one side of a fold as a torch Dataset: what a training entry reads, or all that a feature entry made.

        Parameters
        ----------
        entry
            A train or distil entry, or one that makes features.
        side
            ``validation`` is what ``fit.validation`` of a training entry sets apart.
        fold
            Its name; left out: the first.
        augment
            Draw each recording of the training side anew whenever it is read, as the entry's training does.
        """
        from pipeline.api.dataset import dataset_of

        return dataset_of(self._again(), entry, side, fold, augment)

    @raises_pipeline_errors
    def model(self, entry: str, *, fold: str | None = None, seed: int | None = None) -> TrainedModel:
        """Return an entry's trained model of a fold and seed; left out: of the first.

        A model of a fold has seen its training side: test it on ``dataset(entry, "test", fold=...)``.
        """
        from pipeline.api.model import model_of

        return model_of(self._again(), entry, fold, seed)

    @raises_pipeline_errors
    def figures(self, *runs: int | str) -> Figures:
        """Return every picture of the report by name, or of the report of runs that are remembered."""
        from pipeline.api.figures import figures_of, outcomes_of

        return figures_of(outcomes_of(self._again(), self._settings, self._places(), list(map(str, runs))))

    @raises_pipeline_errors
    def report(self, path: str | PathLike[str] = "report.html", *runs: int | str) -> Report:
        """Write the report as one HTML file, as ``pipeline report`` does, and return what a notebook shows."""
        from pipeline.api.figures import outcomes_of, write_report

        outcomes = outcomes_of(self._again(), self._settings, self._places(), list(map(str, runs)))
        return write_report(outcomes, Path(path))

    def _again(self) -> Plan:
        """Return the plan with what is in the store by now; remotes are asked again where the store has changed.

        From here on plug-ins' files are those of this experiment's folder, whichever other ones are open.
        """
        use_folder(self._plan.path.absolute().parent)
        cached = {id_ for id_, state in self._plan.states.items() if state == "cached"}
        here = {id_ for id_, step in self._plan.steps.items() if self._plan.store.has(step.stage, step.key)}
        if here != cached or not self._plan.indexed:
            self._plan = plan_of(self._plan.path, self._settings, self._plan)
        return self._plan

    def _places(self) -> tuple[str, ...]:
        """Return those of the settings that only say where things are."""
        return tuple(text for text in self._settings if are_locations([parse_setting(text)]))
