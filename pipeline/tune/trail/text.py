"""A search as people read it."""

from __future__ import annotations

from pipeline.formatting import counted, cut, duration
from pipeline.plan.runs.settings import value_text
from pipeline.report.formats.text_table import table
from pipeline.tune.search import Search
from pipeline.tune.trail.records import FoldRecord, Trail, TrialRecord
from pipeline.tune.trial import best_of

_BEST = 5  # trials that are shown
_WIDTH = 24  # of a value


def figure(trial: TrialRecord) -> str:
    """Write a trial's value: ``71.20 ± 3.10 %``."""
    if trial.value is None:
        return "failed"
    return f"{trial.value:.2f} %" if trial.std is None else f"{trial.value:.2f} ± {trial.std:.2f} %"


def begin_line(search: Search) -> str:
    """Say what is about to be searched."""
    study = search.study
    budget = [counted(study.trials, "trial")] if study.trials is not None else []
    budget += [f"{study.params.hours:g} h of computing"] if study.params.hours is not None else []
    inner = study.folds[0].inner
    folds = f"{counted(len(inner.tests), 'inner fold')} by {inner.by}"
    seeds = f", {counted(len(study.seeds), 'seed')}" if len(study.seeds) > 1 else ""
    nested = f", for each of {len(study.folds)} folds" if study.is_nested else ""
    return f"{study.entry}: {' or '.join(budget)}, each on {folds}{seeds}{nested}"


def batch_line(search: Search) -> str:
    """Say how far a search is."""
    every = [trial for trials in search.trials.values() for trial in trials]
    failed = sum(bool(trial.reason) for trial in every)
    count = min(map(len, search.trials.values()))
    of = f" of {search.study.trials}" if search.study.trials is not None else ""
    bests = [best for trials in search.trials.values() if (best := best_of(trials))]
    if len(bests) == 1:
        said = f", best {bests[0].value:.2f} % (trial {bests[0].number})"
    else:
        values = [best.value or 0.0 for best in bests]
        said = f", best {sum(values) / len(values):.2f} % in the mean over {len(values)} folds" if values else ""
    lost = f", {failed} failed" if failed else ""
    return f"{search.study.entry}: {count}{of} trials{said}{lost}, {duration(search.seconds)} of computing"


def trail_text(trail: Trail) -> str:
    """Write the best trials of a search, and those of the file; of several folds what was found for each."""
    if len(trail.folds) > 1:
        rows = [_found_row(trail, fold) for fold in trail.folds]
        header = ["fold", "trial", "top-1 %", "of the file", *map(_short, trail.space)]
        parts = [f"{trail.entry}: found for each fold, by top-1 on its own inner folds", table(header, rows, (1,))]
    else:
        fold = trail.folds[0]
        done = sorted((t for t in fold.trials if t.value is not None), key=lambda t: (-(t.value or 0.0), t.number))
        shown = done[:_BEST] if fold.trials[0] in done[:_BEST] else [*done[:_BEST], fold.trials[0]]
        rows = [_trial_row(trail, trial) for trial in shown]
        title = f"{trail.entry}: the best of {counted(len(fold.trials), 'trial')}, mean ± deviation over inner folds"
        parts = [title, table(["trial", "top-1 %", *map(_short, trail.space)], rows, (0,))]
    failed = [trial for fold in trail.folds for trial in fold.trials if trial.reason]
    if failed:
        parts.append(
            f"note: {counted(len(failed), 'trial')} failed, such as trial {failed[0].number}: {failed[0].reason}"
        )
    return "\n".join(parts)


def _trial_row(trail: Trail, trial: TrialRecord) -> list[str]:
    values = [_value(trial, key) for key in trail.space]
    return [f"{trial.number}", figure(trial).removesuffix(" %"), *values]


def _found_row(trail: Trail, fold: FoldRecord) -> list[str]:
    best = fold.trials[fold.best or 0]
    values = [_value(best, key) for key in trail.space]
    return [fold.fold, f"{best.number}", *(figure(t).removesuffix(" %") for t in (best, fold.trials[0])), *values]


def _value(trial: TrialRecord, key: str) -> str:
    if key not in trial.settings:
        return "as in the file"
    return cut(value_text(trial.settings[key]), _WIDTH)


def _short(key: str) -> str:
    """Return a key's last two parts, which most say enough."""
    return ".".join(key.split(".")[-2:])


def remains_text(search: Search) -> str:
    """Say what a dry run found."""
    there = min(map(len, search.trials.values()))
    of = f" of {search.study.trials}" if search.study.trials is not None else ""
    if not search.left:
        return f"{search.study.entry}: {there}{of} trials are there, and nothing remains"
    batch = counted(search.left, "training")
    return f"{search.study.entry}: {there}{of} trials are there; the next batch needs {batch}"
