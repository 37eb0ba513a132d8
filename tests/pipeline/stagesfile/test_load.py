"""What a stages file says is remembered, and never said of another text."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.stagesfile import reader
from pipeline.stagesfile.load import _from_cache, read_document


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def written(folder: Path, text: str) -> Path:
    (folder / "stages.yaml").write_text(text)
    return folder / "stages.yaml"


def test_the_same_values_lines_and_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "store: x\nfit: {lr: 1e-3, epochs: 5, last: null}\nseeds: [0, 1]\n")
    first = read_document(path)
    monkeypatch.setattr(reader, "read", lambda *_: pytest.fail("read again"))
    second = read_document(path)
    assert (second.path, second.values, second.lines) == (first.path, first.values, first.lines)
    assert second.values["fit"] == {"lr": 0.001, "epochs": 5, "last": None}
    assert second.locate("seeds[1]") == first.locate("seeds[1]")
    second.values["fit"]["lr"] = 7  # nobody else's
    assert read_document(path).values == first.values


def test_another_text_or_place_is_another_document(tmp_path: Path) -> None:
    assert read_document(written(tmp_path, "a: 1\n")).values == {"a": 1}
    assert read_document(written(tmp_path, "a: 2\n")).values == {"a": 2}
    (tmp_path / "other").mkdir()
    assert read_document(path := written(tmp_path / "other", "a: 1\n")).path == path


@pytest.mark.parametrize("text", ["day: 2020-01-01\n", "1: x\n", "a: .nan\n"])
def test_what_json_cannot_say_is_read_each_time(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    first = read_document(path)
    assert _from_cache(text) is None
    assert repr(read_document(path).values) == repr(first.values)


@pytest.mark.parametrize("text", ["a: [\n", "a: 1\na: 2\n", "- a\n", "a: !!set {b}\n"])
def test_what_is_wrong_stays_wrong(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    said = []
    for _ in range(2):
        with pytest.raises(ConfigError) as error:
            read_document(path)
        said.append(str(error.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"values": [], "lines": {}}', b"\xff"])
def test_a_damaged_memory_costs_only_time(tmp_path: Path, own_cache: Path, content: bytes) -> None:
    path = written(tmp_path, "a: 1\n")
    read_document(path)
    (kept,) = (own_cache / "stagesfiles").iterdir()
    kept.write_bytes(content)
    assert read_document(path).values == {"a": 1}
    assert kept.read_bytes() != content


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "file"))
    assert read_document(written(tmp_path, "a: 1\n")).values == {"a": 1}
