"""Every block of docs/python.md runs, one after the other, in a folder with the sample's stages file."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/python.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample's stages file, of fewer people and epochs."""
    folder = tmp_path_factory.mktemp("python")
    values = yaml.safe_load((REPOSITORY / "stages.yaml").read_text(encoding="utf-8"))
    values["source"] |= {"subjects": 4, "trials": 1, "streams": ["skeleton", "inertial"]}
    values["modalities"] = ["skeleton", "inertial"]
    values["fit"]["epochs"] = 1
    values["seeds"] = [0, 1]
    values["stages"]["encode"] = {}
    for entry in "camera", "vskd":
        del values["stages"][entry]
    values["stages"]["evaluate"]["needs"] = ["teacher", "student", "distilled"]
    (folder / "stages.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def namespace() -> dict[str, Any]:
    """Return what the blocks share."""
    return {"__name__": "page"}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_blocks_run(
    number: int, folder: Path, namespace: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    block = BLOCKS[number]
    if (needed := re.match(r"# needs (\w+)", block)) and importlib.util.find_spec(needed[1]) is None:
        pytest.skip(f"needs {needed[1]}")
    monkeypatch.chdir(folder)
    exec(compile(block, f"docs/python.md, block {number + 1}", "exec"), namespace)
    if "print(" in block:
        assert capsys.readouterr().out.strip()
