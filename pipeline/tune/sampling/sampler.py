"""What is tried next: Optuna's sampler as a function of what was tried, so that there is no state to keep."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.tune.sampling.space import Axis, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

STARTUP = 10  # trials that are drawn at random, before the sampler goes by what is known


@dataclass(frozen=True)
class Told:
    """A trial that has ended: its settings, and how good they are; None of one that failed."""

    settings: Mapping[str, Any]
    value: float | None


def sampler_name() -> str:
    """Name what chooses trials, with its version; ConfigError where it is not installed."""
    return f"Optuna {_optuna().__version__}: TPE, multivariate, constant liar, {STARTUP} at random first"


def suggest(space: Space, told: Sequence[Told], count: int, seed: int, batch: int) -> list[dict[str, Any]]:
    """Choose the settings of the next trials, which are not known to one another.

    The sampler is the tree-structured Parzen estimator of all settings jointly; trials of the same batch count as bad
    ones until they are known (constant liar), so that they differ. It is made anew for each batch, of the seed and the
    batch's number: the same trials lead to the same next ones, whoever made them, and fewer are the first of more.

    Parameters
    ----------
    told
        What was tried before, in order. A failed one is taken for worse than all others; one with a value that is not
        in the space is not told.
    """
    optuna = _optuna()
    distributions = {key: _distribution(each.axis) for key, each in space.items()}
    drawn = int.from_bytes(sha256(f"tune:{seed}:{batch}".encode()).digest()[:4], "big")
    sampler = optuna.samplers.TPESampler(
        seed=drawn, multivariate=True, constant_liar=True, n_startup_trials=STARTUP, n_ei_candidates=24
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for each in told:
        coordinates = {key: space[key].coordinate(value) for key, value in each.settings.items()}
        if coordinates.keys() == space.keys() and None not in coordinates.values():
            study.add_trial(_known(coordinates, distributions, each.value))
    asked = [study.ask(distributions).params for _ in range(count)]
    return [{key: space[key].value(params[key]) for key in space} for params in asked]


def _known(coordinates: Mapping[str, Any], distributions: Mapping[str, BaseDistribution], value: float | None) -> Any:
    optuna = _optuna()
    state = optuna.trial.TrialState.COMPLETE if value is not None else optuna.trial.TrialState.PRUNED
    return optuna.trial.create_trial(
        params=dict(coordinates), distributions=dict(distributions), value=value, state=state
    )


def _distribution(axis: Axis) -> BaseDistribution:
    distributions = _optuna().distributions
    if axis.kind == "place":
        return distributions.CategoricalDistribution(range(int(axis.high) + 1))  # type: ignore[no-any-return]
    if axis.kind == "int":
        step = 1 if axis.step is None else int(axis.step)
        return distributions.IntDistribution(  # type: ignore[no-any-return]
            int(axis.low), int(axis.high), log=axis.log, step=step
        )
    return distributions.FloatDistribution(  # type: ignore[no-any-return]
        float(axis.low), float(axis.high), log=axis.log, step=axis.step
    )


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise ConfigError("`pipeline tune` needs optuna\n  pip install 'harvest-har[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    return optuna
