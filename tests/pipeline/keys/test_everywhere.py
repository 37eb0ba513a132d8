"""Keys are equal under other Pythons, folders, locales, hash seeds and line ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from store.canonical import digest

REPOSITORY = Path(__file__).resolve().parents[3]
VERSIONS = ("3.11", "3.12", "3.13")

TREES = """
import json, pathlib, sys
from pipeline.keys.syntax import normalise
from store.canonical import digest
root = pathlib.Path(sys.argv[1])
files = sorted(path for package in ("pipeline", "store", "trainers") for path in (root / package).rglob("*.py"))
print(json.dumps({path.relative_to(root).as_posix(): digest(normalise(path.read_bytes())) for path in files}))
"""


def interpreter(version: str) -> str:
    """Find another Python; skips where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for path in (*sorted(pyenv.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")):
        if path:
            asked = [str(path), "-c", "import sys; print(sys.version)"]
            found = subprocess.run(asked, capture_output=True, text=True)
            if found.returncode == 0 and found.stdout.startswith(f"{version}."):
                return str(path)
    if sys.version.startswith(f"{version}."):
        return sys.executable
    pytest.skip(f"no Python {version} here (neither on the path nor among pyenv's)")


def trees(python: str, root: Path = REPOSITORY, **environment: str) -> dict[str, str]:
    found = subprocess.run(
        [python, "-c", TREES, str(root)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    digests: dict[str, str] = json.loads(found.stdout)
    return digests


@pytest.fixture(scope="session")
def known() -> dict[str, str]:
    return trees(sys.executable)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_module_has_the_same_tree(version: str, known: dict[str, str]) -> None:
    assert trees(interpreter(version)) == known


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_tree_is_the_same(version: str) -> None:
    text = Path(__file__).with_name("test_syntax.py").read_text(encoding="utf-8")
    snippet = re.search(r"^SNIPPET = '''.*?'''$", text, re.DOTALL | re.MULTILINE)
    golden = re.search(r'== "([0-9a-f]{64})"', text)
    assert snippet
    assert golden
    program = f"{snippet[0]}\nfrom pipeline.keys.syntax import normalise\nfrom store.canonical import digest\n"
    program += "print(digest(normalise(SNIPPET.encode())))"
    found = subprocess.run(
        [interpreter(version), "-c", program],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == golden[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_whole_plan_has_the_same_keys(version: str, finished: Any, tmp_path: Path) -> None:
    """With nothing but what planning imports, in an environment of that version."""
    python = environment_of(version, tmp_path / "venv")
    found = subprocess.run(
        [python, "-m", "pipeline", "status", "--json"],
        cwd=finished.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PIPELINE_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    steps = {step["id"]: step for step in json.loads(found.stdout)["steps"]}
    assert {step["state"] for step in steps.values()} == {"cached"}
    assert {id_: step["key"] for id_, step in steps.items()} == keys(finished)


def environment_of(version: str, folder: Path) -> str:
    """Make an environment with what planning imports; skips where packages cannot be had."""
    base = interpreter(version)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("no uv to make an environment with")
    subprocess.run([uv, "venv", "--quiet", "--python", base, str(folder)], check=True)
    python = str(folder / "bin" / "python")
    wanted = ["msgspec", "pyyaml", "click"]
    made = subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", python, *wanted], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"cannot install {', '.join(wanted)} for Python {version}: {made.stderr.strip()[-200:]}")
    return python


def keys(project: Any) -> dict[str, str]:
    return {id_: step.key for id_, step in project.plan().steps.items()}


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"PYTHONHASHSEED": "1"}, id="hash seed 1"),
        pytest.param({"PYTHONHASHSEED": "4242"}, id="hash seed 4242"),
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="locale C without UTF-8"),
        pytest.param({"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}, id="Turkish"),
        pytest.param({"TZ": "Asia/Kathmandu"}, id="time zone"),
        pytest.param({"PYTHONOPTIMIZE": "2"}, id="-OO"),
    ],
)
def test_environment_changes_nothing(finished: Any, tmp_path: Path, environment: dict[str, str]) -> None:
    steps = finished.status(PIPELINE_CACHE=str(tmp_path), **environment)
    assert {id_: step["key"] for id_, step in steps.items()} == keys(finished)
    assert {step["state"] for step in steps.values()} == {"cached"}


def test_another_folder_changes_nothing(finished: Any, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "pipeline", "status", "--json", "-f", str(finished.file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {s["id"]: s["key"] for s in json.loads(found.stdout)["steps"]} == keys(finished)
    moved = finished.copy(tmp_path / "m\u00f6ved \u2192 here")
    assert keys(moved) == keys(finished)
    assert set(moved.plan().states.values()) == {"cached"}


def test_other_line_ends_change_nothing(finished: Any, code: Path, tmp_path: Path, known: dict[str, str]) -> None:
    for path in code.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert trees(sys.executable, code) == known
    project = finished.copy(tmp_path / "copy")
    project.code = code
    project.file.write_bytes(project.file.read_bytes().replace(b"\n", b"\r\n"))
    steps = project.status(PIPELINE_CACHE=str(tmp_path / "cache"))
    assert {id_: step["key"] for id_, step in steps.items()} == keys(finished)


RECIPE = {
    "format": 1,
    "stage": "encode",
    "source": {"name": "utd-mhad"},
    "modality": {"name": "inertial", "kind": "series", "streams": ["inertial"], "rate": 50.0},
    "params": {"window": 18.0, "reduce": "mean-std", "keep_series": True, "weights": None, "eps": 1e-12},
    "rows": "0" * 64,
    "raw": {"inertial": "1" * 64},
    "code": {"pipeline.stages.encode.series": "2" * 64, "r\u00e9sum\u00e9 \U0001fae8": []},
}


def test_golden_recipe() -> None:
    """A change of this makes every output of every store stale: say so if you mean it."""
    assert digest(RECIPE) == "6b986bf7f398427f918d2d8f51393d56f9d941aac1e43c73d58cf451811a4df6"


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_recipe_has_the_same_key(version: str) -> None:
    program = f"from store.canonical import digest\nprint(digest({RECIPE!r}))"
    found = subprocess.run(
        [interpreter(version), "-c", program],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == digest(RECIPE)
