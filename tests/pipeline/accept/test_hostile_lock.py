"""What a lock may say of accepted code, and what not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.lock import Accepted, Lock, read_lock, write_lock
from pipeline.plan.steps.code_resolver import CodeResolver
from store.canonical import digest

A, B, C = ({"trainers.fit.loop": digit * 64} for digit in "abc")


def entry(code: dict[str, str], by: str = "ada") -> Accepted:
    return Accepted("encode", ("encode[rgb]: shard 3",), code, by, "2026-01-01T00:00:00+00:00", {"valid": 0.0}, 1e-5)


class Code:
    """Stands for the code as it is."""

    def __init__(self, code: dict[str, str]) -> None:
        self.code = code

    def closure(self, roots: Any) -> dict[str, str]:
        return self.code

    def save(self) -> None: ...


def test_chains_lead_to_the_first() -> None:
    accepted = {digest(C): entry(B, "bob"), digest(B): entry(A)}
    code = CodeResolver(Code(C), accepted).resolve([])  # type: ignore[arg-type]
    assert (code.present, code.recipe) == (C, A)
    assert code.acceptance is not None
    assert code.acceptance.by == "bob"
    first = CodeResolver(Code(A), accepted).resolve([])  # type: ignore[arg-type]
    assert (first.recipe, first.acceptance) == (A, None)


def test_others_are_left_alone() -> None:
    other = {**C, "trainers.data.recordings": "d" * 64}
    code = CodeResolver(Code(other), {digest(C): entry(A)}).resolve([])  # type: ignore[arg-type]
    assert (code.recipe, code.acceptance) == (other, None)


def test_acceptances_round_trip_a_block_each(tmp_path: Path) -> None:
    lock = Lock(source="x", accepted={digest(C): entry(B), digest(B): entry(A)})
    path = tmp_path / "stages.lock"
    write_lock(path, lock, Lock())
    assert read_lock(path) == lock
    lines = path.read_text().splitlines()
    first, second = sorted([digest(B), digest(C)])
    start, end = (next(i for i, line in enumerate(lines) if key in line) for key in (first, second))
    assert 10 < end - start < 20
    assert not any(digest(B) in line for line in lines[end + 1 :])


def test_a_lock_without_acceptances_is_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "stages.lock"
    write_lock(path, Lock(source="x"), Lock())
    assert "accepted" not in json.loads(path.read_bytes())


GOOD = {
    "entry": "encode",
    "checked": [],
    "code": A,
    "by": "ada",
    "at": "2026-01-01T00:00:00+00:00",
    "difference": {},
    "tolerance": 1e-5,
}


@pytest.mark.parametrize(
    ("accepted", "said"),
    [
        ({digest(B): {**GOOD, "code": ["trainers.fit.loop"]}}, "accepted"),
        ({digest(B): {**GOOD, "code": {"trainers.fit.loop": "zz"}}}, "must map names of modules to digests"),
        ({digest(B): {**GOOD, "code": {"../../etc": "a" * 64}}}, "must map names of modules to digests"),
        ({digest(B): {**GOOD, "code": {}}}, "must map names of modules to digests"),
        ({digest(B): {**GOOD, "run": "rm"}}, "unknown field"),
        ({digest(B): {key: GOOD[key] for key in GOOD if key != "by"}}, "missing required field"),
        ({"encode": GOOD}, "no digest of code"),
        ({digest(A): GOOD}, "goes round in a circle"),
        ({digest(B): GOOD, digest(A): {**GOOD, "code": B}}, "goes round in a circle"),
        ([GOOD], "Expected `object`"),
    ],
)
def test_hostile_or_damaged(tmp_path: Path, accepted: Any, said: str) -> None:
    path = tmp_path / "stages.lock"
    path.write_text(json.dumps({"format": 1, "accepted": accepted}))
    with pytest.raises(ConfigError, match=r"stages\.lock: not a lock file: ") as failure:
        read_lock(path)
    assert said in str(failure.value)
    assert "restore it from version control" in str(failure.value)


def test_it_is_told_in_two_lines(project: Any) -> None:
    project.file.with_suffix(".lock").write_text(json.dumps({"accepted": {digest(A): GOOD}}))
    said = project.command("status", code=2).stderr
    assert "goes round in a circle" in said
    assert len(said.splitlines()) == 2
