"""Recipes are in what is installed: a wheel has them, and `pipeline init --dataset` writes them from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools", minversion="77")
REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = REPOSITORY / "pipeline" / "init" / "recipes"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel of this code puts into an environment."""
    source, built, site = (tmp_path_factory.mktemp(each) for each in ("source", "built", "site"))
    for name in ("pipeline", "store", "trainers"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "docs", source / "docs")
    for name in ("pyproject.toml", "setup.py", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(built)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (wheel,) = built.iterdir()
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_a_wheel_has_all_recipes(installed: Path) -> None:
    there = {path.name: path.read_text() for path in (installed / "pipeline" / "init" / "recipes").iterdir()}
    assert there == {path.name: path.read_text() for path in RECIPES.glob("*.yaml")}
    assert len(there) >= 8


def test_init_writes_them_where_the_program_is_installed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "PAMAP2" / "Protocol").mkdir(parents=True)
    (tmp_path / "PAMAP2" / "Protocol" / "subject101.dat").write_text("0.1 1 NaN\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "init", "PAMAP2", "--dataset", "pamap2", "-f", "own.yaml"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    written = (tmp_path / "own.yaml").read_text()
    assert "#     pipeline run -f own.yaml     # source.root holds Protocol and Optional\n" in written
    assert "\n  root: PAMAP2\n" in written
    assert "\nstore: .store\n" in written
