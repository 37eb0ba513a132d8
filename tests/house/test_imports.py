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
    "pipeline.api.experiment",
    "pipeline.edge.cost",
    "pipeline.edge.export",
    "pipeline.edge.stream",
    "pipeline.edge.runtime",
    "pipeline.edge",
    "pipeline.edge.card",
    "pipeline.tune",
    "pipeline.api",
    "pipeline.init",
    "pipeline.accept",
    "pipeline.doctor",
    "pipeline.schema",
    "pipeline.report.trackers",
    "pipeline.report.html",
    "pipeline.experiment",
    "pipeline.inspect",
    "pipeline.report",
    "pipeline.run",
    "pipeline.run.worker",
    "pipeline.run.cluster",
    "pipeline.run.pool",
    "pipeline.run.step",
    "pipeline.run.readers",
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
    "pipeline.plugins",
    "pipeline",
    "pipeline.keys",
    "pipeline.formatting",
    "pipeline.version",
    "pipeline.supported",
    "pipeline.cores",
    "pipeline.log",
    "pipeline.terminal",
    "pipeline.errors",
    "trainers.robustness",
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


Graph = dict[str, set[str]]


def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module by its name."""
    trees = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            trees[name] = ast.parse(path.read_bytes())
    return trees


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


def graph(trees: dict[str, ast.Module]) -> Graph:
    """Return what each module imports, itself left out."""
    return {name: {*imports(name, tree, {*trees})} - {name} for name, tree in trees.items()}


def floor(name: str) -> int:
    """Return the place of a module's room from the top."""
    return max((len(room), ROOMS.index(room)) for room in ROOMS if name == room or name.startswith(f"{room}."))[1]


def circle(edges: Graph) -> list[str]:
    """Return modules that import each other in a circle; empty without one."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def upward(edges: Graph) -> list[tuple[str, str]]:
    """Return imports of a room that is further up."""
    return sorted((name, to) for name, targets in edges.items() for to in targets if floor(to) < floor(name))


def across(edges: Graph) -> list[tuple[str, str]]:
    """Return imports of another package by `trainers` or `store`."""
    pairs = [(name, to) for name, targets in edges.items() for to in targets]
    return [(a, b) for a, b in pairs if not a.startswith("pipeline") and a.split(".")[0] != b.split(".")[0]]


def other_doors(edges: Graph) -> list[tuple[str, str]]:
    """Return imports of the store's rooms from outside."""
    pairs = [(name, to) for name, targets in edges.items() if name.split(".")[0] != "store" for to in targets]
    return sorted((a, b) for a, b in pairs if b.split(".")[0] == "store" and b not in DOORS)


TREES = modules()
EDGES = graph(TREES)


def test_no_circle_of_imports() -> None:
    assert " -> ".join(circle(EDGES)) == ""


def test_no_import_runs_up() -> None:
    assert upward(EDGES) == []


def test_trainers_and_store_know_nobody() -> None:
    assert across(EDGES) == []


def test_one_door_into_the_store() -> None:
    assert other_doors(EDGES) == []


def edges_with(module: str, line: str) -> Graph:
    """Return what would be imported with one more line, inside a function, in a module."""
    more = ast.parse(f"def late() -> None:\n    {line}\n")
    tree = ast.Module([*TREES[module].body, *more.body], [])
    return {**EDGES, module: {*imports(module, tree, {*TREES})} - {module}}


def test_a_circle_would_be_seen() -> None:
    below = edges_with("pipeline.errors", "from pipeline import formatting")
    below["pipeline.formatting"] = below["pipeline.formatting"] | {"pipeline.errors"}
    assert {"pipeline.errors", "pipeline.formatting"} <= {*circle(below)}


def test_an_import_that_runs_up_would_be_seen() -> None:
    pair = ("pipeline.plan.planner", "pipeline.run.runner")
    assert pair in upward(edges_with(pair[0], "from pipeline.run.runner import run_steps"))
    assert ("store.paths", "store.store") in upward(edges_with("store.paths", "from .store import Store"))


def test_a_second_door_would_be_seen() -> None:
    pair = ("pipeline.cli.commands.gc", "store.store")
    assert other_doors(edges_with(pair[0], "from store.store import Store")) == [*other_doors(EDGES), pair]
    assert across(edges_with("trainers.params", "import store.errors")) == [("trainers.params", "store.errors")]
