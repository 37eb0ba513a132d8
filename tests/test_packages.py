"""Which package may know which: `pipeline` uses `store` and `trainers`; these know neither it nor each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {"store": {"pipeline", "trainers"}, "trainers": {"pipeline", "store"}}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_a_package_does_not_know_what_stands_above_or_beside_it(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        found = {name.partition(".")[0] for name in imported(path)} & FORBIDDEN[package]
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_trainers_read_and_write_no_files() -> None:
    for path in sorted((ROOT / "trainers").rglob("*.py")):
        assert not {"pathlib", "os", "shutil", "click"} & set(imported(path)), path


def test_nothing_is_pickled() -> None:
    for package in ("pipeline", "store", "trainers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    assert called not in ("pickle.load", "pickle.loads", "pickle.dump", "pickle.dumps", "torch.save"), (
                        path
                    )
                    if called == "torch.load":
                        assert any(word.arg == "weights_only" for word in node.keywords), path
