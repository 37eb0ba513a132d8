"""What names of a stages file that are none of ours stand for: ``mine.py:Cows``, ``package.module:Cows``, ``cows``."""

from __future__ import annotations

from posixpath import isabs, normpath

import msgspec

from pipeline.keys.plugin_code import is_plugin, module_of_file
from pipeline.plugins.entry_points import entry_points


class PlugIn(msgspec.Struct, frozen=True):
    """A class that is none of ours, by its module and name; it has its parameters' struct as ``Params``."""

    table: str  # of those in `pipeline.registry`
    name: str  # as keys have it
    module: str
    attribute: str

    @property
    def build(self) -> str:
        """Return the class as ``module:attribute``."""
        return f"{self.module}:{self.attribute}"

    @property
    def params(self) -> str:
        """Return the struct of its parameters."""
        return f"{self.build}.Params"


class BadName(Exception):
    """A name that is none, and why.

    Attributes
    ----------
    problem, remedy
        Empty where nothing has that name.
    """

    def __init__(self, problem: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def find(table: str, name: str) -> PlugIn:
    """Return what a name stands for that is none of ours; nothing is imported. BadName where it cannot be one."""
    if ":" in name or name.endswith(".py"):
        return _of_reference(table, name, name)
    if not (places := entry_points(table, name).get(name)):
        raise BadName
    if len(places) > 1:
        what = f"{name} is an entry point of {len(places)} packages: {', '.join(places)}"
        raise BadName(what, "write one of these in its place, or remove the other package")
    return _of_reference(table, name, places[0])


def known(table: str) -> list[str]:
    """Return the names that installed packages have for a table."""
    return sorted(entry_points(table))


def _of_reference(table: str, name: str, reference: str) -> PlugIn:
    place, _, attribute = reference.partition(":")
    if not place.endswith(".py"):
        if not all(map(str.isidentifier, [*place.split("."), attribute])):
            of_entry = f"the entry point {name} of an installed package is " if name != reference else ""
            raise BadName(
                f"{of_entry}{reference!r}: no module and class", "write package.module:Class, or file.py:Class"
            )
        if not is_plugin(place):
            raise BadName(f"{reference} is of this program, and no plug-in", "give the name that it has in our tables")
        return PlugIn(table, name, place, attribute)
    if not attribute.isidentifier():
        raise BadName(f"{reference!r} names no class", f"write {place}:Class")
    if isabs(place) or place.startswith("~") or "\\" in place or "://" in place:
        remedy = "put the file beside the stages file, or below it, and write its path from there, with /"
        raise BadName(f"{place}: outputs' keys hold this name, and must be those of other machines, too", remedy)
    path = normpath(place)
    if not path.rpartition("/")[2].removesuffix(".py").isidentifier():
        raise BadName(f"{place}: the file's name is no name of a module", "rename it: letters, digits and _")
    return PlugIn(table, f"{path}:{attribute}", module_of_file(path), attribute)
