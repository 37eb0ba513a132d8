"""docs/own-data.md: its commands, run word for word on a folder like its, print and write what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from .test_pages_as_run import PAGES, REPOSITORY, commands_of, make_home, masked, run

PAGE = REPOSITORY / "docs" / "own-data.md"
SHOWN = tuple(commands_of(PAGE))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_home(tmp_path_factory.mktemp("home"), "# ours\n")
    script = REPOSITORY / "docs" / "phone_and_watch.py"
    subprocess.run([sys.executable, str(script), "recordings"], cwd=home, check=True)
    return home


def check_printed(home: Path, command: str, output: Sequence[str], *, figures: bool) -> None:
    printed, wanted = run(home, command).splitlines(), [*output]
    if wanted and wanted[-1] == "...":  # the page leaves out the rest
        wanted.pop()
        del printed[len(wanted) :]
    if not figures:
        printed, wanted = [*map(masked, printed)], [*map(masked, wanted)]
    assert not wanted or printed == wanted


def test_what_init_inspect_and_status_print_and_write(home: Path) -> None:
    for shown in SHOWN[:3]:
        check_printed(home, shown.command, shown.output, figures=True)
    page = PAGE.read_text(encoding="utf-8")
    written = (home / "own.yaml").read_text().splitlines()
    block, _ = re.findall(r"```yaml\n(.*?)```", page, re.S)
    lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
    assert {*lines} <= {*written}
    table = (home / "recordings" / "watch" / "subject1" / "walk-1.csv").read_text().splitlines()[:3]
    assert "".join(f"    {line}\n" for line in table) in page


def test_the_tutorial_goes_the_same_way() -> None:
    tutorial = [shown.command for shown in PAGES["docs/tutorial.md"] if "own.yaml" in shown.command]
    assert [command.split()[1] for command in tutorial] == ["init", "inspect", "run", "results"]
    assert {*tutorial} <= {shown.command for shown in SHOWN}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_run_and_results_print(home: Path) -> None:
    pytest.importorskip("pyarrow")
    (home / "own.yaml").unlink(missing_ok=True)
    assert [shown.command.split()[1] for shown in SHOWN] == ["init", "inspect", "status", "run", "results"]
    in_tutorial = {shown.command: shown.output for shown in PAGES["docs/tutorial.md"]}
    for shown in SHOWN:
        check_printed(home, shown.command, shown.output, figures=False)
        assert in_tutorial.get(shown.command, ()) in ((), shown.output)
