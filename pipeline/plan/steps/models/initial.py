"""Which trained model an entry's model begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.plan.steps.models.reading import find_teacher
from pipeline.plan.steps.models.stored import Ancestor, NoSuchModel, StoredModel, datasets_of
from pipeline.plan.steps.split import Split
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point


@dataclass(frozen=True)
class Initial:
    """What a model begins with.

    Attributes
    ----------
    called
        Under which its output is handed to the stage: the step's id, or `key` of the store.
    stage, key
        Of its output.
    is_step
        Whether it is a step of the plan.
    new_heads
        Whether the layers that say classes are made anew, since it was trained on other classes.
    """

    called: str
    stage: str
    key: str
    is_step: bool
    new_heads: bool

    @property
    def recipe(self) -> dict[str, Any]:
        """What a recipe has of it."""
        return {"init": self.key, **({"new_heads": True} if self.new_heads else {})}

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps that are needed."""
        return (self.called,) if self.is_step else ()

    @property
    def work(self) -> dict[str, Any]:
        """What a stage is told, and the outputs that it reads beside those of steps."""
        told: dict[str, Any] = {"init": self.called, "new_heads": self.new_heads}
        return told if self.is_step else {**told, "stored": {self.called: [self.stage, self.key]}}


def find_initial(
    point: Point,
    entry: Entry,
    steps: Mapping[str, Sequence[Step]],
    split: Split,
    seed: int,
    params: Mapping[str, Any],
    named: str | Mapping[str, Any] | None,
    read: Callable[[str, Path, str], StoredModel],
) -> Initial | None:
    """Find what an entry's model begins with, for one fold and seed.

    Parameters
    ----------
    steps
        Those of earlier entries, by entry.
    params
        The entry's, after defaults.
    named
        Its ``init_from``.
    read
        As `read_stored`, which lists a store: remembered, since all folds and seeds ask for the same model.

    Raises
    ------
    ConfigError
        There is no such model, it is another network, or it may have been trained on what is tested here.
    """
    if named is None:
        return None
    if isinstance(named, str):
        step = find_teacher(steps[named], split, seed)
        assert step is not None  # all entries of a point are trained for the same folds and seeds
        _check_network(point, entry, params, step.recipe, named)
        share = params["fit"].get("validation", 0.0)
        if share and split.validation(step.work["validation"]) != split.validation(share):
            problem = f"{named} is trained on recordings that {entry.name} is validated by"
            _refuse(point, entry, problem, "give both the same fit.validation, as `fit` at the top does")
        return Initial(step.id, step.stage, step.key, is_step=True, new_heads=False)
    word, folder = str(named["output"]), point.document.path.absolute().parent
    try:
        stored = read(point.experiment.store, folder, word)
    except NoSuchModel as error:
        raise point.document.error(f"{entry.dotted_key}.init_from.output", f"{word}: {error}", error.remedy) from None
    _check_network(point, entry, params, stored.recipe, stored.key[:12])
    for ancestor in stored.ancestors if split.is_tested else ():
        _check_unseen(point, entry, split, stored, ancestor)
    new_heads = stored.ancestors[0].classes != point.source.classes
    return Initial(f"{stored.stage} {stored.key[:12]}", stored.stage, stored.key, is_step=False, new_heads=new_heads)


def _check_network(
    point: Point, entry: Entry, params: Mapping[str, Any], recipe: Mapping[str, Any], called: str
) -> None:
    own, other = params["model"]["name"], recipe["params"]["model"]["name"]
    if own != other:
        _refuse(point, entry, f"{called} is the network {other}, and this is {own}", f"set model: {other}")


def _check_unseen(point: Point, entry: Entry, split: Split, stored: StoredModel, ancestor: Ancestor) -> None:
    """Raise ConfigError unless it is known that a model was trained on no recording of the fold's test side.

    It is where the model is of another data set, or its fold has the same recordings on the training or the test side.
    """
    called = stored.key[:12]
    whose = called if ancestor.key == stored.key else f"{ancestor.key[:12]}, which {called} was made from,"
    if not ancestor.datasets:
        problem = f"what {whose} was trained on is not known: outputs that it was made from are not in the store"
        _refuse(point, entry, problem, f"fetch them: `pipeline pull {called}`")
    same = split.train == ancestor.train or split.test == ancestor.test
    shared = ancestor.datasets & datasets_of(point.source_recipe)
    if shared and not same:
        problem = (
            f"{whose} was trained on {', '.join(sorted(shared))}, too, and on other recordings than fold {split.name}: "
        )
        remedy = "name an entry of this file, or a model that was trained on the same training side"
        _refuse(point, entry, f"{problem}those that are tested here may be among them", remedy)


def _refuse(point: Point, entry: Entry, problem: str, remedy: str) -> None:
    raise point.document.error(f"{entry.dotted_key}.init_from", problem, remedy)
