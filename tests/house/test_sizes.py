"""Small files: what a reader takes in at once. An exception is named here, with its reason."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "trainers", "store")
# a command, a dataset, a loss a file
ONE_OF_A_KIND_EACH = ("pipeline/cli/commands", "pipeline/sources", "trainers/losses", "trainers/losses/params")

MODULES = 12
MODULE_LINES = 300
FUNCTION_LINES = 50
ARGUMENTS = 8

LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
MANY_ARGUMENTS: dict[str, str] = {
    "trainers/gaf/fused.py:fill": "numba compiles a kernel for plain arrays, each of which it must be given",
}

FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> dict[str, Function]:
    """Return all functions and methods but commands, whose arguments are options."""
    found: dict[str, Function] = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, Function) and not any("command" in ast.unparse(each) for each in node.decorator_list):
                found[f"{name_of(path)}:{node.name}:{node.lineno}"] = node
    return found


def lines_of(function: Function) -> int:
    """Count a function's lines, its decorators and docstring aside."""
    assert function.end_lineno is not None
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return function.end_lineno - function.lineno + 1 - docstring


def arguments_of(function: Function) -> int:
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def beyond(count: Callable[[Function], int], most: int, known: Mapping[str, str]) -> dict[str, int]:
    """Return the functions of which something is more than it may be, and that are no known exceptions."""
    counts = {name: count(node) for name, node in functions().items()}
    return {name: n for name, n in counts.items() if n > most and name.rpartition(":")[0] not in known}


def test_folders() -> None:
    counts = Counter(name_of(path.parent) for path in FILES if path.name != "__init__.py")
    most = dict.fromkeys(ONE_OF_A_KIND_EACH, 24)
    assert {name: n for name, n in counts.items() if n > most.get(name, MODULES)} == {}


def test_modules() -> None:
    counts = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: n for name, n in counts.items() if n > MODULE_LINES and name not in LONG_MODULES} == {}


def test_functions() -> None:
    assert beyond(lines_of, FUNCTION_LINES, LONG_FUNCTIONS) == {}


def test_exceptions_are_still_needed() -> None:
    known = {
        name for name in LONG_MODULES if len((ROOT / name).read_text(encoding="utf-8").splitlines()) > MODULE_LINES
    }
    assert known == {*LONG_MODULES}
    for count, most, names in ((lines_of, FUNCTION_LINES, LONG_FUNCTIONS), (arguments_of, ARGUMENTS, MANY_ARGUMENTS)):
        assert {name.rpartition(":")[0] for name in beyond(count, most, {})} >= {*names}


def test_arguments() -> None:
    assert beyond(arguments_of, ARGUMENTS, MANY_ARGUMENTS) == {}
