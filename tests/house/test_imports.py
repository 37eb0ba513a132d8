"""Imports run down: no circle, none that runs up the list of rooms, one door into the store.

Every import counts: those inside functions and under TYPE_CHECKING, too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "trainers", "store")

# From the top down; docs/architecture.md says what each room is for. A module belongs to the longest name that fits.
ROOMS = (
    "pipeline.__main__",
    "pipeline.cli",
    "pipeline.accept",
    "pipeline.report",
    "pipeline.run",
    "pipeline.run.worker",
    "pipeline.run.cluster",
    "pipeline.run.pool",
    "pipeline.run.step",
    "pipeline.run.jobs",
    "pipeline.run.messages",
    "pipeline.run.packing",
    "pipeline.run.silence",
    "pipeline.plan",
    "pipeline.plan.steps",
    "pipeline.plan.recordings",
    "pipeline.plan.steps.step",
    "pipeline.lock",
    "pipeline.stages",
    "pipeline.stagesfile",
    "pipeline.sources",
    "pipeline.sources.formats",
    "pipeline.sources.base",
    "pipeline.sources.broken_file",
    "pipeline.error_origin",
    "pipeline.registry",
    "pipeline",
    "pipeline.keys",
    "pipeline.formatting",
    "pipeline.log",
    "pipeline.terminal",
    "pipeline.errors",
    "trainers.fit",
    "trainers.losses",
    "trainers.models",
    "trainers.evaluation",
    "trainers.data",
    "trainers.gaf",
    "trainers",
    "store",
    "store.remotes",
    "store.transfer",
    "store.store",
    "store.maintenance",
    "store.features",
    "store.writing",
    "store.reading",
    "store.manifest",
    "store.backends",
    "store.paths",
    "store.canonical",
    "store.plain_file",
    "store.environment",
    "store.home",
    "store.redaction",
    "store.errors",
)
DOORS = ("store", "store.errors", "store.features", "store.canonical")  # for whoever is outside the store


def modules() -> dict[str, ast.Module]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = ast.parse(path.read_bytes())
    return found


def imports(name: str, tree: ast.Module, known: set[str]) -> Iterator[str]:
    is_package = (ROOT / name.replace(".", "/")).is_dir()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: len(name.split(".")) - node.level + is_package] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            targets = {f"{origin}.{alias.name}" for alias in node.names}
            yield from targets & known
            if origin in known and not targets <= known:
                yield origin


def graph() -> dict[str, set[str]]:
    trees = modules()
    return {name: {*imports(name, tree, {*trees})} - {name} for name, tree in trees.items()}


def floor(name: str) -> int:
    return max((len(room), ROOMS.index(room)) for room in ROOMS if name == room or name.startswith(f"{room}."))[1]


GRAPH = graph()


def test_no_circle_of_imports() -> None:
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_no_import_runs_up() -> None:
    up = [(name, found) for name, targets in GRAPH.items() for found in targets if floor(found) < floor(name)]
    assert sorted(up) == []


def test_trainers_and_store_know_nobody() -> None:
    strangers = [
        (name, found)
        for name, targets in GRAPH.items()
        for found in targets
        if not name.startswith("pipeline") and found.split(".")[0] != name.split(".")[0]
    ]
    assert strangers == []


def test_one_door_into_the_store() -> None:
    others = [
        (name, found)
        for name, targets in GRAPH.items()
        for found in targets
        if name.split(".")[0] != "store" and found.split(".")[0] == "store" and found not in DOORS
    ]
    assert sorted(others) == []
