"""Mistakes in a protocol that is written out: told with line, key and remedy before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUBJECTS = "1, 2, 3, 4, 5, 6, 7, 8"
MISTAKES = {
    "a mistyped kind": ("{kfolds: 5}", 4, "protocol.kfolds: no such key", "did you mean `k-folds`? known:"),
    "nothing": ("{}", 4, "protocol: says nothing", "known: leave-one-out, k-folds, random, folds, test, train"),
    "a number": ("5", 4, "protocol: expected text or a mapping, got a whole number", "docs/"),
    "two kinds": ("{k-folds: 5, random: 0.3}", 4, "protocol.random: no such key", "known: k-folds, by, stratified"),
    "text for k": ("{k-folds: many}", 4, "protocol.k-folds: expected a whole number, got text", "docs/"),
    "one fold": ("{k-folds: 1}", 4, "protocol.k-folds: expected a whole number >= 2", "docs/"),
    "more folds than subjects": (
        "{k-folds: 9}", 4, f"protocol.k-folds: 9 folds by subject, and there are 8: {SUBJECTS}", "take at most 8",
    ),
    "all of it": ("{random: 1}", 4, "protocol.random: expected a number < 1", "docs/"),
    "no list of values": ("{test: [1, 2]}", 4, "protocol.test: expected a mapping or nothing, got a list", "docs/"),
    "nothing to test": ("{test: }", 4, "protocol: names no recordings", "for example protocol: {test: {subject"),
    "no column": ("{test: {}}", 4, "protocol.test: names no column", "for example test: {subject: [2, 4]}"),
    "an unknown column": ("{test: {subjct: 1}}", 4, "protocol.test.subjct: no recording has a subjct", "`subject`?"),
    "a column of none": (
        "{leave-one-out: scene}", 4, "protocol.leave-one-out: no recording has a scene", "id, subject, label, session",
    ),
    "an unknown subject": (
        "\n  test:\n    subject:\n    - 2\n    - 9\n", 8, "protocol.test.subject[1]: no recording has the subject 9",
        f"there are: {SUBJECTS}",
    ),
    "a padded number": ("{test: {subject: 02}}", 4, "no recording has the subject 02", "did you mean `2`?"),
    "a word that YAML knows": ("{test: {subject: yes}}", 4, "protocol.test.subject: true is no text", "put quotes"),
    "a number with a point": ("{test: {session: [1.0]}}", 4, "protocol.test.session[0]: 1.0 is no text", "put quotes"),
    "recordings on both sides": (
        "{test: {subject: 1}, train: {session: 1}}", 4, "protocol.train: recording a01_s1_t1 is in test, too (8",
        "without `train`, all others",
    ),
    "nothing that fits": (
        "{test: {id: a01_s1_t1, subject: 2}}", 4, "protocol.test: no recording fits all of it", "take a condition out",
    ),
    "nothing left to train on": (
        "{test: {session: [1, 2, 3]}}", 4, "protocol: fold test=session=1..3 has no training recordings, of 192",
        "add recordings",
    ),
    "one class to train on": (
        "{train: {label: [wave]}}", 4, "protocol: fold train=label=wave trains on recordings of wave alone",
        "a model needs two classes",
    ),
    "no folds": ("{folds: []}", 4, "protocol.folds: the list is empty", "write {name: a"),
    "a fold of nothing": ("{folds: [{name: a}]}", 4, "protocol.folds[0]: fold a names no recordings", "`test`"),
    "a fold without a name": ("{folds: [{test: {subject: 1}}]}", 4, "protocol.folds[0].name: is missing", "add"),
    "a fold's name": (
        "{folds: [{name: a b, test: {subject: 1}}]}", 4, "protocol.folds[0].name: 'a b' is not a name", "take letters",
    ),
    "two folds of one name": (
        "\n  folds:\n  - {name: a, test: {subject: 1}}\n  - {name: a, test: {subject: 2}}\n", 7,
        "protocol.folds[1].name: there is a fold a already", "rename one",
    ),
    "in the second fold": (
        "\n  folds:\n  - {name: a, test: {subject: 1}}\n  - {name: b, test: {subject: x}}\n", 7,
        "protocol.folds[1].test.subject: no recording has the subject x", "there are: 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_is_told_with_line_key_and_remedy(
    mistake: tuple[str, int, str, str], good: str, tmp_path: Path, said_here: Callable[..., Any]
) -> None:
    written, line, *parts = mistake
    path = tmp_path / "stages.yaml"
    path.write_text(good.replace("protocol: subject-50-50", f"protocol: {written}"))
    said_here("run", "-f", str(path)).refuses(2, f"error: {path}:{line}: ", *parts)
    assert [each.name for each in tmp_path.iterdir()] == ["stages.yaml"]


def test_of_a_setting(file: str, said_here: Callable[..., Any]) -> None:
    setting = "protocol={test: {subject: [2, 9]}}"
    parts = ("--set protocol: protocol.test.subject[1]: no recording has the subject 9", SUBJECTS)
    said_here("status", "-f", file, "--set", setting).refuses(2, *parts)
