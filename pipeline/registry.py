"""Tables of the names that a stages file can use: stages, sources, encoders, pretrained models.

They hold strings only, so that naming a thing imports nothing, and no keys, so that a new line makes no step stale.

A new source or stage is its own file and one more line here; models and losses have tables of their own in `trainers`.
Names that are in none of these are plug-ins' (`pipeline.plugins`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from pipeline.errors import CodeChanged, ContractError, PipelineError
from pipeline.keys.loaded_code import SCOPE, CodeHashes, in_scope
from pipeline.plugins import names as plugin_names
from pipeline.plugins.loading import load_class, load_params
from pipeline.plugins.names import BadName as BadName
from pipeline.plugins.names import PlugIn as PlugIn
from trainers.losses.registry import LOSSES as LOSSES
from trainers.models.registry import MODELS as MODELS

_TABLE_FILES = "pipeline/registry.py, trainers/models/registry.py, trainers/losses/registry.py"


class Registration(Protocol):
    """What a name stands for, as ``module:attribute``: its parameters' struct (quick to import), and what builds it."""

    @property
    def params(self) -> str: ...

    @property
    def build(self) -> str: ...


class Entry(NamedTuple):
    """A `Registration` of this package: nothing is imported before it is used."""

    params: str
    build: str


@dataclass(frozen=True)
class Stage:
    """A kind of work; what does it stands as ``module:attribute``."""

    params: str  # the struct of its parameters
    run: str  # the function that does a step
    reads: tuple[str, ...]  # which kinds of entries it can need
    tables: tuple[tuple[str, str], ...] = ()  # parameters that name something in one of `TABLES`, with that table
    open: str = ""  # what opens a step whose shards others can make, as a `pipeline.stages.sharded.Sharded`
    together: str = ""  # the function that does several alike steps as one, if they can be


TRANSFORM = "transform"  # the stage of entries that name a plug-in's
TRAINED = ("train", "distil")  # the stages that train a model
GIVES_MODEL = (*TRAINED, "ensemble")  # those whose outputs are models
TESTS = ("evaluate", "robustness")  # the stages that test models, one step each

STAGES = {
    "index": Stage("", "pipeline.stages.index:run", ()),
    "encode": Stage("", "pipeline.stages.encode.stage:run", (), open="pipeline.stages.encode.stage:open"),
    "gaf": Stage(
        "pipeline.stages.gaf.params:GafStageParams",
        "pipeline.stages.gaf.stage:run",
        ("encode", TRANSFORM),
        open="pipeline.stages.gaf.stage:open",
    ),
    TRANSFORM: Stage("", "pipeline.stages.transform:run", ("encode", TRANSFORM), open="pipeline.stages.transform:open"),
    "train": Stage(
        "pipeline.stages.train.params:TrainParams",
        "pipeline.stages.train.train:run",
        ("encode", TRANSFORM, "gaf"),
        (("model", "models"),),
        together="pipeline.stages.train.train:run_together",
    ),
    "distil": Stage(
        "pipeline.stages.train.params:DistilParams",
        "pipeline.stages.train.distil:run",
        ("encode", TRANSFORM, "gaf", *GIVES_MODEL),
        (("model", "models"), ("loss", "losses")),
        together="pipeline.stages.train.distil:run_together",
    ),
    "ensemble": Stage("trainers.models.ensemble.params:EnsembleParams", "pipeline.stages.ensemble:run", TRAINED),
    "evaluate": Stage("pipeline.stages.train.params:EvaluateParams", "pipeline.stages.evaluate:run", GIVES_MODEL),
    "robustness": Stage("trainers.robustness.params:RobustnessParams", "pipeline.stages.robustness:run", GIVES_MODEL),
}

ENSEMBLE = Entry("trainers.models.ensemble.params:SavedEnsemble", "trainers.models.ensemble.model:Ensemble")

SOURCES: Mapping[str, Registration] = {
    "sample": Entry("pipeline.sources.sample.source:Params", "pipeline.sources.sample.source:Sample"),
    "synthetic": Entry("pipeline.sources.synthetic:Params", "pipeline.sources.synthetic:Synthetic"),
    "utd-mhad": Entry("pipeline.sources.utd_mhad:Params", "pipeline.sources.utd_mhad:UtdMhad"),
    "mmact": Entry("pipeline.sources.mmact.source:Params", "pipeline.sources.mmact.source:Mmact"),
    "folder": Entry("pipeline.sources.folder.params:Params", "pipeline.sources.folder.source:Folder"),
    "joined": Entry("pipeline.sources.joined.params:Params", "pipeline.sources.joined.source:Joined"),
    "berkeley-mhad": Entry(
        "pipeline.sources.berkeley_mhad.source:Params", "pipeline.sources.berkeley_mhad.source:BerkeleyMhad"
    ),
}

# Where a name of a stages file stands for something; stages (which `transform` runs), backbones and reductions are
# those of plug-ins alone.
TABLES: Mapping[str, Mapping[str, Registration]] = {
    "sources": SOURCES,
    "models": MODELS,
    "losses": LOSSES,
    "stages": {},
    "backbones": {},
    "reductions": {},
}

_REDUCTIONS = ("mean", "mean-std", "flatten")
# The parameter of a kind's encoding that can name a plug-in, the table of those, and what else it can be; of video
# that is any name, since torchvision's and timm's are many.
ENCODE_PLUGINS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "series": ("reduce", "reductions", _REDUCTIONS),
    "skeleton": ("reduce", "reductions", _REDUCTIONS),
    "video": ("backbone", "backbones", ()),
}

MOTION_MAPS = "motion-maps"  # what `reduce` says of a video that goes through no network

# By the kind of modality, but for what `encoding_of` tells apart.
ENCODERS: Mapping[str, Registration] = {
    "series": Entry(
        "pipeline.stages.encode.timelines.params:SeriesParams",
        "pipeline.stages.encode.timelines.encoder:TimelineEncoder",
    ),
    "skeleton": Entry(
        "pipeline.stages.encode.timelines.params:SkeletonParams",
        "pipeline.stages.encode.timelines.encoder:TimelineEncoder",
    ),
    "video": Entry(
        "pipeline.stages.encode.video.params:VideoParams", "pipeline.stages.encode.video.encoder:VideoEncoder"
    ),
    MOTION_MAPS: Entry(
        "pipeline.stages.encode.motion_maps.params:MotionMapParams",
        "pipeline.stages.encode.motion_maps.encoder:MotionMapEncoder",
    ),
}

PRETRAINED: Mapping[str, Registration] = {
    "torchvision": Entry(
        "pipeline.stages.train.params:PretrainedParams", "pipeline.stages.encode.video.weights:read_state"
    ),
}


def encoding_of(kind: str, params: Mapping[str, Any]) -> str:
    """Return the name in `ENCODERS` of what encodes a kind of modality with such parameters."""
    return MOTION_MAPS if kind == "video" and params.get("reduce") == MOTION_MAPS else kind


def find(table: str, name: str) -> Registration:
    """Return what a name stands for, of ours or a plug-in, of which nothing is imported; BadName where nothing does."""
    return TABLES[table].get(name) or plugin_names.find(table, name)


def is_plugin_name(table: str, name: str) -> bool:
    """Tell whether a name stands for a plug-in where other names are not in a table: torchvision's networks."""
    return ":" in name or name.endswith(".py") or name in plugin_names.known(table)


def known_names(table: str) -> list[str]:
    """Return the names that can be used: ours, and those of installed packages."""
    return [*TABLES[table], *plugin_names.known(table)]


def import_object(reference: str) -> Any:
    """Import what ``module:attribute`` names; ContractError where it, or what it needs, cannot be imported."""
    module, _, attribute = reference.rpartition(":")
    try:
        return getattr(import_module(module), attribute)
    except (PipelineError, OSError, MemoryError):
        raise
    except Exception as error:
        raise ContractError(
            f"{reference}: cannot be imported ({type(error).__name__}: {error})\n"
            f"  fix the module, or the line that names it ({_TABLE_FILES})"
        ) from error


def import_hashed(reference: str, code: Container[str]) -> Any:
    """Import what ``module:attribute`` names, of modules that a plan has hashed: these tables are not part of keys."""
    check_hashable(reference)
    if module_of(reference) not in code:
        raise CodeChanged(f"what names {reference} changed while this ran; run again")
    return import_object(reference)


def import_build(registration: Registration, code: CodeHashes) -> Any:
    """Import what builds a thing, of modules that a plan has hashed."""
    if isinstance(registration, PlugIn):
        return _as_planned(load_class, registration, code)
    return import_hashed(registration.build, code)


def import_params(registration: Registration, code: CodeHashes) -> Any:
    """Import the struct of a thing's parameters, of modules that a plan has hashed."""
    if isinstance(registration, PlugIn):
        return _as_planned(load_params, registration, code)
    return import_hashed(registration.params, code)


def _as_planned(load: Callable[[PlugIn, CodeHashes], Any], plugin: PlugIn, code: CodeHashes) -> Any:
    try:
        return load(plugin, code)
    except BadName as error:  # it was there when this was planned
        raise CodeChanged(f"{error.problem}: it changed while this ran; run again") from None


def with_name(source: Any, registration: Registration) -> Any:
    """Return a source, which is called in messages and results as in the stages file."""
    if isinstance(registration, PlugIn):
        source.name = registration.name
    return source


def check_hashable(reference: str) -> None:
    """Raise ContractError where what a table names lies outside the code that keys hash."""
    if not in_scope(module_of(reference)):
        *others, last = SCOPE
        raise ContractError(
            f"{reference}: must lie in {', '.join(others)} or {last}: keys do not see code elsewhere\n"
            f"  move the module there, and fix the line that names it ({_TABLE_FILES})"
        )


def module_of(reference: str) -> str:
    """Return the module part of ``module:attribute``."""
    return reference.rpartition(":")[0]
