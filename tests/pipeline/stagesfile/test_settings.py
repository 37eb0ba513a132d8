"""What `--set` and the matrix make of values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.settings import matrix_points, parse_setting, with_settings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.5E+3", 1500.0),
        ("-3e2", -300.0),
        ("1e", "1e"),
        ("12", 12),
        ("[1e-3, x]", [1e-3, "x"]),
        ("010", "010"),
        ("-010", "-010"),
        ("1:30", "1:30"),
        ("1:30.5", "1:30.5"),
        ("0x10", "0x10"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1_0.5", "1_0.5"),
        ("0", 0),
        ("-3", -3),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        ("!!float 3", 3.0),
        ("true", True),
        ("", None),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: Any) -> None:
    assert parse_setting(f"stages.teacher.fit.lr={text}") == ("stages.teacher.fit.lr", value)


@pytest.mark.parametrize("text", ["!!int 010", "!!int 1:30", "!!float 1:30"])
def test_no_tag_makes_another_number(text: str) -> None:
    with pytest.raises(ConfigError, match=r"0 is no (int|float)"):
        parse_setting(f"seeds={text}")


def test_a_stages_file_reads_them_alike(tmp_path: Path) -> None:
    file = tmp_path / "stages.yaml"
    file.write_text("a: 1e-3\nb: {c: 2E5}\n")
    assert read_document(file).values == {"a": 1e-3, "b": {"c": 2e5}}


def test_folders_are_relative_to_where_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_setting("source.root=data") == ("source.root", str(tmp_path / "data"))
    assert parse_setting("store=s3://bucket/x") == ("store", "s3://bucket/x")


def test_a_section_is_made_where_the_file_has_a_name() -> None:
    document = Document(Path("stages.yaml"), {"stages": {"teacher": {"model": "dmft"}}})
    changed = with_settings(document, [("stages.teacher.model.tokens", 8)], "--set")
    assert changed.values["stages"]["teacher"]["model"] == {"name": "dmft", "tokens": 8}
    assert document.values["stages"]["teacher"]["model"] == "dmft"


def test_the_matrix_is_every_combination() -> None:
    points = matrix_points({"a": [1, 2], "b": ["x", "y"]})
    assert points == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]


def test_what_an_alias_repeats_is_set_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file that is read for the first time, and of one whose values are remembered."""
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "stages.yaml"
    file.write_text("a: &a {model: {width: 1}}\nb: {<<: *a}\nc: *a\n")
    for _ in range(2):
        changed = with_settings(read_document(file), [("a.model.width", 8)], "--set").values
        assert [changed[key]["model"]["width"] for key in "abc"] == [8, 1, 1]
