"""The schema of a whole stages file: what stands under each key at the top, by the tables of names."""

from __future__ import annotations

from pipeline.registry import ENCODERS, LOSSES, MODELS, SOURCES, STAGES
from pipeline.schema.entries import add_parameters, entries
from pipeline.schema.names import named_mapping
from pipeline.schema.structs import Components, Schema, struct_of
from pipeline.sources.time_limits import TimeLimits
from pipeline.stagesfile.protocol import KINDS
from pipeline.stagesfile.schema import Experiment
from trainers.evaluation.protocols import PROTOCOLS
from trainers.params import FitParams

TITLE = "A stages file of harvest"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def stages_file_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of stages files.

    Names are those of this installation, its plug-ins' among them; a class of a file or module is taken by its form.
    What depends on several keys at once, or on the data, is left to the run.
    """
    tables = (SOURCES, MODELS, LOSSES, ENCODERS)
    params = [each.params for table in tables for each in table.values()]
    params += [stage.params for stage in STAGES.values() if stage.params]
    components = Components([Experiment, FitParams, TimeLimits, *KINDS.values(), *map(struct_of, params)])
    add_parameters(components)
    top = components.schema(Experiment)
    replaced = {
        "source": named_mapping(components, "sources", {"times": components.ref(TimeLimits)}),
        "protocol": _protocol(components),
        "fit": components.ref(FitParams),
        "stages": entries(components),
    }
    for key, schema in replaced.items():
        said = top["properties"][key]
        top["properties"][key] = schema | {word: said[word] for word in ("description", "default") if word in said}
    return {"$schema": _DIALECT, "title": TITLE, **components.ref(Experiment), "$defs": components.defs}


def _protocol(components: Components) -> Schema:
    kinds = dict.fromkeys(KINDS.values())
    return {"anyOf": [{"enum": list(PROTOCOLS)}, *map(components.ref, kinds)], "minProperties": 1}
