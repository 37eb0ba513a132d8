"""The models of an experiment: the steps that train and evaluate each, and its figures as `results` has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.report.html.gather.identity import Identity, identity, identity_of, shown_variant
from pipeline.report.html.gather.outcome import Outcome
from pipeline.report.html.gather.trainings import Training, distinguished
from pipeline.report.html.palette import SERIES
from pipeline.report.results import Evaluation, Row, rows_of


@dataclass(frozen=True, eq=False)
class Model:
    """An entry at one point of the matrix, over all folds and seeds; one, where experiments share its outputs.

    Attributes
    ----------
    experiments
        The names of the stages files, or of the runs, that have it.
    title
        Its name, with what sets it apart from others of that name.
    rows
        Its figures by metric: `top1`, `macro_f1`, and `top1 NAME` of each modality alone; none before a seed is whole.
    trainings
        Outputs that are in the store.
    evaluations
        Keys of those of seeds of which all folds are there, which all figures are of.
    planned, missing
        How many evaluations there are to be, and how many of them are not there.
    identity
        What its steps' labels say of it.
    colour
        Its number among the models that pictures tell apart; None where it is not drawn.
    """

    number: int
    experiments: tuple[str, ...]
    name: str
    dataset: str
    protocol: str
    modalities: tuple[str, ...]
    variant: str
    title: str = ""
    rows: Mapping[str, Row] = field(default_factory=dict)
    trainings: Sequence[Training] = ()
    evaluations: Sequence[str] = ()
    planned: int = 0
    missing: int = 0
    colour: int | None = None
    identity: Identity | None = None

    @property
    def top1(self) -> float | None:
        """Return the mean over seeds, in percent."""
        return self.rows["top1"].mean if "top1" in self.rows else None

    @property
    def sees(self) -> str:
        """Return its modalities as one text."""
        return "+".join(self.modalities)


def models_of(outcomes: Sequence[Outcome]) -> list[Model]:
    """Return all models, in the order of their stages files."""
    found: dict[object, Model] = {}
    for outcome in outcomes:
        for outputs, model in _models(outcome):
            known = found.get(outputs, model)
            found[outputs] = replace(known, experiments=tuple(dict.fromkeys([*known.experiments, outcome.name])))
    models = [replace(model, number=number) for number, model in enumerate(found.values())]
    return _coloured(_titled(models, distinctive([outcome.name for outcome in outcomes])))


def distinctive(names: Sequence[str]) -> dict[str, str]:
    """Return names of files by what tells them apart: without endings, and without what all end in."""
    parts = {name: name.removesuffix(".yaml").split("/") for name in names}
    while len(names) > 1 and len({each[-1] for each in parts.values()}) == 1:
        parts = {name: each[:-1] for name, each in parts.items()}
    return {name: "/".join(each) for name, each in parts.items()}


def _models(outcome: Outcome) -> Iterator[tuple[object, Model]]:
    """Yield the models of an experiment, each with what equal ones of others have in common."""
    rows: dict[Identity, dict[str, Row]] = {}
    for row in rows_of(outcome.store, outcome.evaluations, per_modality=True):
        rows.setdefault(identity_of(row), {})[row.metric] = row
    evaluations: dict[Identity, list[Evaluation]] = {each: [] for each in outcome.trainings}
    for evaluation in outcome.evaluations:
        evaluations.setdefault(identity(evaluation.label), []).append(evaluation)
    for each, own in evaluations.items():
        trainings = outcome.trainings.get(each, ())
        outputs = (tuple((one.key, one.is_there) for one in own), tuple(one.key for one in trainings))
        model = Model(
            0,
            (outcome.name,),
            *each[:4],
            shown_variant(each),
            rows=rows.get(each, {}),
            trainings=trainings,
            evaluations=_of_whole_seeds(own, rows.get(each, {})),
            planned=len(own),
            missing=sum(not evaluation.is_there for evaluation in own),
            identity=each,
        )
        yield (each, *(outputs if any(outputs) else (outcome.name,))), model


def _of_whole_seeds(evaluations: Iterable[Evaluation], rows: Mapping[str, Row]) -> list[str]:
    seeds = rows["top1"].seeds if rows else ()
    return [evaluation.key for evaluation in evaluations if evaluation.label["seed"] in seeds]


def _titled(models: Sequence[Model], names: Mapping[str, str]) -> list[Model]:
    """Title models, with the names of their experiments where these tell them apart."""
    parts = [
        [model.sees, model.protocol, model.variant, " and ".join(names[each] for each in model.experiments)]
        for model in models
    ]
    titles = distinguished([model.name for model in models], parts)
    return [replace(model, title=title) for model, title in zip(models, titles, strict=True)]


def _coloured(models: Sequence[Model]) -> list[Model]:
    """Choose the models that are drawn: all where there are few, else the best."""
    ranked = sorted((m for m in models if m.planned), key=lambda m: (m.top1 is None, -(m.top1 or 0)))
    drawn = [model.number for model in ranked[:SERIES]]
    return [replace(m, colour=sorted(drawn).index(m.number)) if m.number in drawn else m for m in models]


def drawn(models: Iterable[Model]) -> list[Model]:
    """Return the models that pictures draw."""
    return [model for model in models if model.colour is not None]
