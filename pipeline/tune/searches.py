"""All searches of a stages file, one after another: later ones begin with what earlier ones found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.run.outcome import RunOptions
from pipeline.run.push_pull import TransferOutcome, labelled, push, target_of
from pipeline.stagesfile.document import Document
from pipeline.tune.points import check_space
from pipeline.tune.sampling.sampler import sampler_name
from pipeline.tune.search import Search
from pipeline.tune.study import Study
from pipeline.tune.trail.kept import STAGE, evaluations_of, keep_trail, kept_trail, step_id
from pipeline.tune.trail.records import Trail, trail_of
from pipeline.tune.trial import best_of
from store import OutputName


@dataclass
class Tuned:
    """What was found.

    Attributes
    ----------
    found
        Settings of all searches by fold of the experiment.
    keys
        Of the trails in the store.
    """

    searches: list[Search] = field(default_factory=list)
    trails: list[Trail] = field(default_factory=list)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)


def tune(
    base: Plan,
    document: Document,
    studies: Sequence[Study],
    options: RunOptions,
    *,
    dry: bool = False,
    begun: Callable[[Search], None] = lambda search: None,
    ended: Callable[[Search, Tuned], None] = lambda search, tuned: None,
) -> Tuned:
    """Search each study's settings; `begun` is told of each, and `ended` of each batch.

    A dry run reads what is there, and stops where a training is missing.
    """
    sampler = sampler_name()
    tuned = Tuned(found={fold.name: {} for study in studies for fold in study.folds})
    for study in studies:
        check_space(base, document, study)
    for study in studies:
        search = Search(base, document, study, tuned.found, _failures(base, study))
        tuned.searches.append(search)
        tuned.trails.append(trail_of(study, search.trials, sampler))

        def batch_ended(search: Search, study: Study = study) -> None:
            tuned.trails[-1] = trail_of(study, search.trials, sampler)
            ended(search, tuned)

        begun(search)
        search.run(options, dry=dry, ended=batch_ended)
        if dry and search.left:
            return tuned
        for fold, trials in search.trials.items():
            if best := best_of(trials):
                tuned.found[fold] |= best.settings
        if not dry:
            tuned.keys.append(keep_trail(base, tuned.trails[-1]))
            base.history.release(search.made)  # the trail names them from now on, and every plan reads the reference
    return tuned


def push_trails(base: Plan, tuned: Tuned) -> TransferOutcome:
    """Copy to the first remote what another needs to go on with the searches: evaluations and trails, not models."""
    trails = zip(tuned.trails, tuned.keys, strict=True)
    outputs: dict[OutputName, str] = {(STAGE, key): step_id(trail.entry) for trail, key in trails}
    outputs |= {name: "" for trail in tuned.trails for name in evaluations_of(trail)}
    return push(base, target_of(base, None), labelled(outputs))


def _failures(base: Plan, study: Study) -> dict[str, str]:
    """Return why steps of an earlier search failed that would fail again, by key."""
    trail = kept_trail(base, study.entry)
    trials = [trial for fold in trail.folds for trial in fold.trials] if trail else []
    return {trial.blamed: trial.reason for trial in trials if trial.blamed}
