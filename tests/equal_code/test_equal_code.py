"""An upgrade makes nobody's outputs stale: the shipped table holds for this code, is true, and holds for no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.keys.code import CodeIndex
from pipeline.lock import Accepted
from pipeline.plan.steps.code_resolver import CodeResolver
from pipeline.plan.steps.equal_code import EqualCode, read_equal_code
from store.canonical import digest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
AGAIN = "make equal-code OLD=CHECKOUT, where CHECKOUT is the code that made people's outputs (CONTRIBUTING.md)"
ENCODE = ["pipeline.stages.encode.stage", "pipeline.stages.encode.timelines.encoder", "pipeline.sources.sample.source"]
VIDEO = ["pipeline.stages.encode.stage", "pipeline.stages.encode.video.encoder", "pipeline.sources.sample.source"]


@pytest.fixture(scope="module")
def table() -> EqualCode:
    return read_equal_code()[0]


def test_it_is_that_of_this_code(table: EqualCode) -> None:
    present = CodeIndex(REPOSITORY).closure(table.now)
    changed = sorted(name for name in {*present, *table.now} if present.get(name) != table.now.get(name))
    assert not changed, AGAIN
    assert table.checked, f"it was made without its proof: {AGAIN}"


def test_the_earlier_code_stands_for_this_one(table: EqualCode) -> None:
    index = CodeIndex(REPOSITORY)
    resolver = CodeResolver(index, {}, [table])
    code = resolver.resolve(ENCODE)
    earlier = code.recipe
    assert earlier.keys() <= table.earlier.keys()
    assert {*map(table.moved.get, ENCODE)} - {None} <= earlier.keys()
    assert (code.acceptance, code.release) == (None, table.release)
    assert resolver.running(code).keys() == index.closure(ENCODE).keys()  # what is compared with what is loaded
    assert CodeResolver(index, {}).resolve(ENCODE).recipe == index.closure(ENCODE)


def test_nothing_stands_for_code_that_rounds_otherwise(table: EqualCode) -> None:
    index = CodeIndex(REPOSITORY)
    assert CodeResolver(index, {}, [table]).resolve(VIDEO).recipe == index.closure(VIDEO)


def test_an_acceptance_of_the_earlier_release_is_followed(table: EqualCode) -> None:
    first = {"trainers.first": "a" * 64}
    earlier = CodeResolver(CodeIndex(REPOSITORY), {}, [table]).resolve(ENCODE).recipe
    entry = Accepted("encode", ("encode[rgb]: shard 0",), first, "ada", "2026-01-01T00:00:00+00:00", {}, 0.0)
    code = CodeResolver(CodeIndex(REPOSITORY), {digest(earlier): entry}, [table]).resolve(ENCODE)
    assert (code.recipe, code.acceptance) == (first, entry)


def test_an_acceptance_of_this_very_code_goes_before_the_table(table: EqualCode) -> None:
    first = {"trainers.first": "a" * 64}
    present = CodeIndex(REPOSITORY).closure(ENCODE)
    entry = Accepted("encode", ("encode[rgb]: shard 0",), first, "ada", "2026-01-01T00:00:00+00:00", {}, 0.0)
    code = CodeResolver(CodeIndex(REPOSITORY), {digest(present): entry}, [table]).resolve(ENCODE)
    assert (code.recipe, code.acceptance) == (first, entry)


def test_this_code_gives_the_figures_of_the_earlier_one(tmp_path: Path) -> None:
    """As ``figures.py`` printed them with the earlier release on its path; another processor rounds differently."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PIPELINE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", HERE / "figures.py", tmp_path],
        env=environment | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    earlier: dict[str, Any] = json.loads((HERE / "figures.json").read_bytes())
    assert figures.keys() == earlier.keys()
    for name, expected in earlier.items():
        scale = max(map(abs, expected), default=0.0)
        assert figures[name] == pytest.approx(expected, abs=2e-3 * scale), name
