"""Importing a plug-in's class: its code as it was hashed, and its mistakes told with their file and line."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, new_class
from typing import Any

import msgspec

from pipeline.errors import CodeChanged, ContractError, PipelineError
from pipeline.keys.loaded_code import CodeHashes, check_code, watch, watched
from pipeline.keys.plugin_code import folder_of, is_file, source_file
from pipeline.plugins.names import BadName, PlugIn
from pipeline.plugins.places import note_loaded, place_of, place_of_error

_TAKEN = {  # names of parameters that mean something else
    "sources": ("name", "times"),
    "models": ("name", "weights"),
    "losses": ("name",),
    "stages": ("stage", "needs", "modalities"),
    "backbones": ("name",),
    "reductions": ("name",),
}
_folder = "."


class NoParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a plug-in that has none."""


class FolderParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of a source that says nothing of its own: where it is."""

    root: str


def use_folder(folder: str | Path, code: CodeHashes | None = None) -> None:
    """Say from which folder the files of plug-ins are named: that of the stages file.

    What this process has loaded of other folders' files is forgotten, and other versions than `code`, the modules that
    may run.
    """
    global _folder
    _folder = os.path.abspath(folder)
    for top in filter(is_file, {*watched(), *(module.partition(".")[0] for module in code or ())}):
        watch(top, code or {}, _folder)


def load_class(plugin: PlugIn, code: CodeHashes) -> Any:
    """Import a plug-in's class.

    `code` are the modules that it reaches, as they were hashed. BadName where its module has no such class;
    ContractError where it cannot be imported; CodeChanged where it is not of the code.
    """
    if plugin.module not in code:
        raise CodeChanged(f"what {plugin.name} stands for changed while this ran; run again")
    watch(plugin.module.partition(".")[0], code, _folder)
    try:
        module = import_module(plugin.module)
    except (PipelineError, MemoryError):
        raise
    except Exception as error:
        place = place_of_error(error) or source_file(plugin.module)
        raise ContractError(
            f"{place}: cannot be imported: {type(error).__name__}: {error}\n  {_remedy(plugin, error)}"
        ) from error
    found = getattr(module, plugin.attribute, None)
    if not isinstance(found, type):
        what = "has no class" if found is None else f"has a {type(found).__name__}, and no class, of the name"
        classes = [name for name, each in vars(module).items() if isinstance(each, type) and _is_of(each, module)]
        remedy = f"its classes: {', '.join(classes) or 'none'}"
        raise BadName(f"{source_file(plugin.module)} {what} {plugin.attribute}", remedy)
    check_code(code)  # before another plug-in's import forgets what does not match
    note_loaded(found)
    return found


def load_params(plugin: PlugIn, code: CodeHashes) -> type[msgspec.Struct]:
    """Return the struct of a plug-in's parameters, which takes no unknown ones."""
    found = load_class(plugin, code)
    if plugin.table == "models" and not _is_module(found):
        raise ContractError(
            f"{place_of(found)}: {plugin.attribute} is no torch.nn.Module\n  make it a subclass of that"
        )
    params = getattr(found, "Params", FolderParams if plugin.table == "sources" else NoParams)
    if not isinstance(params, type) or not issubclass(params, msgspec.Struct):
        raise ContractError(f"{place_of(found)}: {plugin.attribute}.Params is no msgspec.Struct\n  make it one")
    for field in params.__struct_fields__:
        if field in _TAKEN[plugin.table]:
            raise ContractError(
                f"{place_of(found)}: {plugin.attribute}.Params has {field}, which is taken\n  rename it"
            )
    if params.__struct_config__.forbid_unknown_fields:
        return params
    return new_class(
        params.__name__,
        (params,),
        {"forbid_unknown_fields": True},
        lambda body: body.update(__module__=params.__module__, __qualname__=params.__qualname__),
    )


def _is_module(found: type) -> bool:
    """Tell whether a class is one of torch's modules; what has not imported torch is none."""
    torch = sys.modules.get("torch")
    return torch is not None and issubclass(found, torch.nn.Module)


def _is_of(found: type, module: ModuleType) -> bool:
    return found.__module__ == module.__name__


def _remedy(plugin: PlugIn, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        if is_file(plugin.module):
            beside = Path(folder_of(plugin.module.partition(".")[0], _folder), f"{top}.py")
            if beside.exists():
                return f"it lies beside that file: write `from .{error.name} import ...`"
        return "install what it needs where this runs, or mend the import"
    return "mend it there"
