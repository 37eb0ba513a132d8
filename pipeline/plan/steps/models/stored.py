"""A trained model in the store, and what manifests say of the data that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.registry import TRAINED
from store import Store


class NoSuchModel(ValueError):
    """A word that names no trained model of a store; `remedy` says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


@dataclass(frozen=True)
class Ancestor:
    """A model that had a part in another: itself, its teacher, what it began with, and so on.

    Attributes
    ----------
    key
        Its own.
    datasets
        What its features were read from; empty where no manifest is left that says it.
    classes
        In label order; empty where none says it.
    train, test
        The sides of its fold as recipes have them: how many recordings, and the digest of their ids and labels.
    """

    key: str
    datasets: frozenset[str]
    classes: tuple[str, ...]
    train: Mapping[str, Any]
    test: Mapping[str, Any]


@dataclass(frozen=True)
class StoredModel:
    """A published model: its stage, key, recipe, and the models that had a part in it, itself first."""

    stage: str
    key: str
    recipe: Mapping[str, Any]
    ancestors: tuple[Ancestor, ...]


def read_stored(url: str, folder: Path, word: str) -> StoredModel:
    """Find the trained model whose key a word begins, and read what it comes from; NoSuchModel.

    Paths of stores are relative to the folder.
    """
    store = Store.open(url, base=folder)
    stage_of = {key: stage for stage, key in store.outputs()}
    fits = [key for key, stage in stage_of.items() if stage in TRAINED and key.startswith(word)]
    if len(fits) != 1:
        many = f"{len(fits)} trained models of {store.url} have keys that begin so"
        problem = many if fits else f"no trained model of {store.url} has a key that begins so"
        remedy = "write more of it" if fits else "`pipeline store ls` lists keys; `pipeline pull KEY` fetches an output"
        raise NoSuchModel(problem, remedy)
    (key,) = fits
    found = [*_ancestors(store, stage_of, key)]
    if not found:
        raise NoSuchModel("it was begun and never finished", "run the step that makes it")
    (first, recipe), *_ = found
    return StoredModel(stage_of[key], first.key, recipe, tuple(each for each, _ in found))


def _ancestors(store: Store, stage_of: Mapping[str, str], key: str) -> Iterator[tuple[Ancestor, Mapping[str, Any]]]:
    """Yield a model and those that had a part in it, each once, with its recipe."""
    waiting, seen = [key], set[str]()
    while waiting:
        if (each := waiting.pop()) in seen:
            continue
        seen.add(each)
        manifest = store.manifest(stage_of[each], each) if each in stage_of else None
        if manifest is None:
            if each != key:
                yield Ancestor(each, frozenset(), (), {}, {}), {}
            continue
        recipe = manifest.recipe
        waiting += [member for member in recipe.get("members", {}).values() if isinstance(member, str)]
        if manifest.stage == "ensemble":  # its members are what was trained
            continue
        waiting += [recipe[part] for part in ("teacher", "init") if isinstance(recipe.get(part), str)]
        datasets, classes = _origin(store, stage_of, recipe["features"].values())
        yield Ancestor(each, datasets, classes, recipe["train"], recipe["test"]), recipe


def _origin(
    store: Store, stage_of: Mapping[str, str], features: Iterable[str]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the data sets and classes of the source that features come from; empty where no manifest says it."""
    datasets, classes = frozenset[str](), tuple[str, ...]()
    waiting = [*features]
    while waiting:
        key = waiting.pop()
        manifest = store.manifest(stage_of[key], key) if key in stage_of else None
        if manifest is None:
            continue
        if manifest.stage == "encode":
            datasets |= datasets_of(manifest.recipe["source"])
        if manifest.stage == "index":
            classes = classes or tuple(manifest.recipe["classes"])
        waiting += manifest.inputs
    return datasets, classes


def datasets_of(source: Mapping[str, Any]) -> frozenset[str]:
    """Return the data sets that a source reads: itself, or the parts of a joined one."""
    parts = source.get("parts")
    if source.get("name") != "joined" or not isinstance(parts, Mapping):
        return frozenset([str(source["name"])])
    return frozenset(str(part.get("name")) for part in parts.values())
