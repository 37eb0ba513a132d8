"""docs/own-data.md: its commands, run word for word on a folder like its, print and write what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..pipeline.init.folders import write_phone_and_watch
from .test_pages_as_run import REPOSITORY, commands_of, make_home, masked, run

PAGE = REPOSITORY / "docs" / "own-data.md"
SHOWN = tuple(commands_of(PAGE))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_home(tmp_path_factory.mktemp("home"), "# ours\n")
    write_phone_and_watch(home / "recordings")
    return home


def test_what_init_and_status_print_and_write(home: Path) -> None:
    for shown in SHOWN[:2]:
        assert run(home, shown.command).splitlines() == [*shown.output]
    written = (home / "own.yaml").read_text().splitlines()
    block, _ = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
    assert {*lines} <= {*written}


@pytest.mark.slow
def test_what_run_and_results_print(home: Path) -> None:
    pytest.importorskip("pyarrow")
    (home / "own.yaml").unlink(missing_ok=True)
    assert [shown.command.split()[1] for shown in SHOWN] == ["init", "status", "run", "results"]
    for shown in SHOWN:
        printed = [masked(line) for line in run(home, shown.command).splitlines()]
        wanted = [masked(line) for line in shown.output]
        assert not wanted or printed == wanted
