"""What planning must know of plug-ins: their code, what their classes say of themselves, their parameters.

A plug-in's module may import torch. So what it said is remembered by its code, and by the parameters that were checked:
a plan imports it only where one of these is new.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import msgspec

from pipeline.errors import ConfigError, ContractError
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.keys.code import CodeIndex
from pipeline.keys.loaded_code import CodeHashes
from pipeline.keys.plugin_code import is_file, source_file
from pipeline.plugins.loading import load_class, load_params, use_folder
from pipeline.plugins.names import BadName, PlugIn
from pipeline.plugins.places import place_of
from store.canonical import digest
from trainers.data.input_names import Form

_FORMAT = 2


class Facts(msgspec.Struct, frozen=True):
    """What a model's or a loss's class says of itself, as `trainers.models.registry.Entry` does of ours."""

    takes: Form = "patches"
    single: bool = False
    stacks: bool = False
    solved: bool = False


class PlugIns:
    """The plug-ins of a stages file, of which the folder is given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hashes: dict[str, CodeHashes] = {}  # by module
        use_folder(folder)

    @cached_property
    def code(self) -> CodeIndex:
        """The code as it is, of ours and of plug-ins."""
        return CodeIndex(folder=self._folder)

    def hashes(self, plugin: PlugIn) -> CodeHashes:
        """Return the modules that a plug-in reaches, as they are now; BadName where its own is not there."""
        module = plugin.module
        if module not in self._hashes:
            if not self.code.hashes([module]):
                file = source_file(module)
                if is_file(module):
                    raise BadName(f"there is no file {file}", f"its path starts from {self._folder}")
                remedy = (
                    f"install the package, or name a file: {plugin.module.rpartition('.')[2]}.py:{plugin.attribute}"
                )
                raise BadName(f"no module {module} is installed here, as a .py file", remedy)
            try:
                self._hashes[module] = self.code.hashes(self.code.closure([module]))
            except ConfigError as error:
                if is_file(module):
                    raise
                problem = str(error).partition("\n")[0]
                remedy = (
                    "keys need the code of all that a plug-in imports of its package; for another library's class, "
                )
                raise BadName(problem, f"{remedy}write one of your own, in a file, that calls it") from None
        return self._hashes[module]

    def load_class(self, plugin: PlugIn) -> Any:
        """Import a plug-in's class."""
        return load_class(plugin, self.hashes(plugin))

    def load_params(self, plugin: PlugIn) -> type[msgspec.Struct]:
        """Import the struct of its parameters."""
        return load_params(plugin, self.hashes(plugin))

    def facts(self, plugin: PlugIn) -> Facts:
        """Return what a model's or a loss's class says of itself."""
        found: Facts = self._remember(plugin, None, lambda: _facts(plugin, self.load_class(plugin)), Facts)
        return found

    def plain_params(
        self, plugin: PlugIn, section: Mapping[str, Any], check: Callable[[type[msgspec.Struct]], Any]
    ) -> dict[str, Any]:
        """Return parameters after defaults, as plain values; `check` makes these of a section and their struct."""
        found: dict[str, Any] = self._remember(plugin, section, lambda: check(self.load_params(plugin)), dict[str, Any])
        return found

    def _remember(self, plugin: PlugIn, asked: Any, find: Callable[[], Any], kind: Any) -> Any:
        runs = [sys.version, msgspec.__version__]
        syntax = {module: syntax for module, (_, syntax) in self.hashes(plugin).items()}
        try:
            name = digest([_FORMAT, runs, plugin.table, plugin.build, syntax, asked])
        except (TypeError, ValueError):  # a value that is none of JSON, which the struct may refuse
            return find()
        file = cache_folder() / "plug-ins" / f"{name}.cache"
        try:
            return msgspec.json.decode(read_cache(file) or b"", type=kind)
        except msgspec.DecodeError:  # nothing is there
            found = find()
            write_cache(file, msgspec.json.encode(found))
            return found


def _facts(plugin: PlugIn, found: Any) -> Facts:
    given = {name: getattr(found, name, default) for name, default in msgspec.to_builtins(Facts()).items()}
    wanted = {"takes": get_args(Form)} | dict.fromkeys(("single", "stacks", "solved"), (False, True))
    for name, value in given.items():
        if type(value) is not type(wanted[name][0]) or value not in wanted[name]:
            options = " or ".join(map(repr, wanted[name]))
            raise ContractError(f"{place_of(found)}: {plugin.attribute}.{name} is {value!r:.80}\n  make it {options}")
    if given["solved"] and not callable(getattr(found, "solve", None)):
        remedy = "add the method, or leave `solved` out"
        raise ContractError(f"{place_of(found)}: {plugin.attribute}.solved is True, and there is no solve\n  {remedy}")
    if given["solved"] and given["stacks"]:
        problem = f"{plugin.attribute} is solved, and nothing that is solved stacks"
        raise ContractError(f"{place_of(found)}: {problem}\n  leave `stacks` out")
    return msgspec.convert(given, Facts)
