"""``pipeline store card``: a README that says what is in a store, from what, and how it is used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.features import open_features

AT = "hf://datasets/owner/name@v1"


@pytest.fixture(scope="module")
def written(finished: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("card") / "README.md"
    said = finished.command("store", "card", "--at", AT, "-o", str(file)).stdout
    assert "fill in the licence" in said
    assert "is there already" in finished.command("store", "card", "-o", str(file), code=2).stderr
    return file.read_text()


def test_it_says_what_is_in_the_store(finished: Any, written: str) -> None:
    store = Store.open(str(finished.store))
    for stage, key in store.outputs("encode"):
        output = store.output(stage, key)
        (row,) = (line for line in written.splitlines() if f"| {output.manifest.recipe['modality']['name']} (" in line)
        shape = " x ".join(map(str, open_features(output).read("features").shape))
        assert f"features {shape} float32" in row
    listed = json.loads(finished.command("store", "ls", "--json").stdout)
    assert f"{len(listed)} outputs" in written
    assert "2 models: dmft, dmft-lite" in written


def test_it_says_from_what_and_leaves_the_licence_open(finished: Any, written: str) -> None:
    (index,) = (
        Store.open(str(finished.store)).manifest(*name) for name in Store.open(str(finished.store)).outputs("index")
    )
    assert index is not None
    assert all(sha in written for sha in index.recipe["raw"].values())
    assert "16 recordings of 2 subjects, 8 classes" in written
    assert "to be filled in" in written
    people = {str(index.provenance[name]) for name in ("user", "host")}
    assert not [each for each in people if re.search(rf"\b{re.escape(each)}\b", written)]


def test_it_says_how_to_use_it_in_six_lines(written: str) -> None:
    lines = [line for line in written.splitlines() if line.startswith("    ")]
    assert len(lines) == 6
    assert any(line.startswith(f"    export PIPELINE_REMOTE={AT} ") for line in lines)
    assert any(line.startswith("    pipeline pull ") for line in lines)


def test_what_a_manifest_says_stays_in_its_cell(tmp_path: Path, project: Any) -> None:
    store = Store.open(str(project.store))
    source = {"name": "x|y\n# <b>`", "seed": 0}
    with store.draft("index", "k", recipe={"source": source, "raw": {"a`\nb": "c|d"}}, inputs=[]) as draft:
        draft.write("recordings.jsonl", b"")
        draft.publish({})
    said = project.command("store", "card").stdout
    assert "https://HOST/FOLDER" in said
    assert "`x/y?# (b)' (seed 0)`" in said
    assert [line for line in said.splitlines() if line.startswith("# ")] == [
        "# Outputs of harvest, made from x/y?# (b)'"
    ]
