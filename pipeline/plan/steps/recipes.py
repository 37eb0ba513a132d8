"""Recipes: everything that a step's output depends on, as plain values. A step's key is its recipe's digest.

Pure: nothing here reads a file. A change of any field's name or meaning changes every key (docs/keys.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.plan.recordings.table import Table, table_digest
from pipeline.plan.steps.split import Split
from pipeline.sources.base import Modality, Source
from store.canonical import digest

FORMAT = 1


def _recipe(stage: str, code: Mapping[str, str], **fields: Any) -> dict[str, Any]:
    return {"format": FORMAT, "stage": stage, **fields, "code": dict(code)}


def index_recipe(
    source: Mapping[str, Any],
    classes: Sequence[str],
    table: Table,
    streams: Sequence[str],
    code: Mapping[str, str],
) -> dict[str, Any]:
    """Recipe of the table of recordings: what is listed, how it is labelled, and the streams that are checked."""
    return _recipe(
        "index",
        code,
        source=dict(source),
        classes=list(classes),
        table=table_digest(table.listing),
        unparsed=[item.path for item in table.listing.unparsed],
        raw={stream: table.raw[stream].digest for stream in sorted(streams)},
    )


def source_recipe_of(source: Source, recipe: Mapping[str, Any], streams: Sequence[str]) -> Mapping[str, Any]:
    """Return what features of some streams depend on of a source's recipe: all, where the source does not say it."""
    recipe_of: Callable[[Sequence[str]], Mapping[str, Any]] | None = getattr(source, "recipe_of", None)
    if recipe_of is None:
        return recipe
    common = {name: value for name, value in recipe.items() if name in ("name", "times")}
    return {**common, **recipe_of(streams)}


def encode_recipe(
    source: Mapping[str, Any],
    name: str,
    modality: Modality,
    params: Mapping[str, Any],
    weights: Mapping[str, Any] | None,
    table: Table,
    code: Mapping[str, str],
) -> dict[str, Any]:
    """Recipe of one modality's features: from its own parameters and files alone.

    Limits on times enter where there are any: no video has them.
    """
    described = {"name": name, "kind": modality.kind, "streams": list(modality.streams), "rate": modality.rate}
    if modality.channels:
        described["channels"] = list(modality.channels)
    virtual = params.get("virtual")
    if virtual or any(params.get(key, "none") != "none" for key in ("calibrate", "orient")):
        described["units"] = list(modality.units)
    recipe = _recipe(
        "encode",
        code,
        source={name: value for name, value in source.items() if name != "times" or modality.kind != "video"},
        modality=described,
        params=dict(params),
        rows=table.rows_digest,
        raw={stream: table.raw[stream].digest for stream in modality.streams},
    )
    if weights is not None:
        recipe["weights"] = dict(weights)
    if virtual and virtual["classes"]:
        recipe["actions"] = digest([each.action for each in table.listing.recordings])
    return recipe


def gaf_recipe(name: str, params: Mapping[str, Any], features: str, code: Mapping[str, str]) -> dict[str, Any]:
    """Recipe of one modality's images: how they are rendered, and the key of the encode output with the series."""
    return _recipe("gaf", code, modality=name, params=dict(params), features=features)


def transform_recipe(name: str, params: Mapping[str, Any], features: str, code: Mapping[str, str]) -> dict[str, Any]:
    """Recipe of one modality's series as a plug-in's stage makes them of those in the output of the key `features`."""
    return _recipe("transform", code, modality=name, params=dict(params), features=features)


def training_recipe(
    stage: str,
    params: Mapping[str, Any],
    classes: int,
    features: Mapping[str, str],
    others: Mapping[str, Any],
    split: Split,
    seed: int,
    code: Mapping[str, str],
) -> dict[str, Any]:
    """Recipe of a trained model; the fold enters as the ids and labels of its recordings.

    So does the part of its training side that validates, where there is one, and the keys of what else it reads: a
    ``teacher``, and what is ``virtual``.
    """
    recipe = _recipe(
        stage,
        code,
        params=dict(params),
        classes=classes,
        features=dict(features),
        train=dict(split.train),
        test=dict(split.test),
        seed=seed,
    )
    if validation := params["fit"].get("validation"):
        recipe["validation"] = dict(split.validation(validation))
    recipe |= {name: keys for name, keys in others.items() if keys}
    return recipe


def ensemble_recipe(
    params: Mapping[str, Any], classes: int, members: Mapping[str, str], split: Split, code: Mapping[str, str]
) -> dict[str, Any]:
    """Recipe of trained models that vote as one: their keys by member, and the fold that all are of."""
    return _recipe(
        "ensemble",
        code,
        params=dict(params),
        classes=classes,
        members=dict(members),
        train=dict(split.train),
        test=dict(split.test),
    )


def test_recipe(
    stage: str,
    params: Mapping[str, Any],
    features: Mapping[str, str],
    model: str,
    classes: Sequence[str],
    split: Split,
    code: Mapping[str, str],
) -> dict[str, Any]:
    """Recipe of what one model makes of its test recordings: their ids, subjects and labels."""
    return _recipe(
        stage,
        code,
        params=dict(params),
        features=dict(features),
        model=model,
        classes=list(classes),
        test=dict(split.test_with_subjects),
    )
