"""The wheel, built from a clean clone, works in an empty environment and folder: nothing of the clone is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from release.build import build

REPOSITORY = Path(__file__).parents[2]
CI = REPOSITORY / ".github" / "workflows" / "ci.yml"

WATCH = """# every process of the environment notes what it opens of the checkout, but for its dependencies
import os, sys

def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith("{repository}/") and "/site-packages/" not in path:
            log = os.open("{log}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(log, (path + "\\n").encode())
            os.close(log)

sys.addaudithook(note)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs a git checkout, of which it builds what is committed")
    return build(tmp_path_factory.mktemp("dist"))[1]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel beside this interpreter's dependencies, without the checkout that it has; return ``bin``."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text("\n".join(_dependencies()) + "\n")
    (packages / "sitecustomize.py").write_text(WATCH.format(repository=str(REPOSITORY), log=str(folder / "opened.txt")))
    program = folder / "bin" / "pipeline"
    program.write_text(
        f"#!{folder / 'bin' / 'python'}\nfrom pipeline.__main__ import run\nif __name__ == '__main__':\n    run()\n"
    )
    program.chmod(0o755)
    return folder / "bin"


def _dependencies() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def said(program: Path, *arguments: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [program, *arguments], cwd=cwd, env={**environment, "PIPELINE_CACHE": str(cwd / "cache")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_nothing_read(installed: Path) -> None:
    """Check that no process of the environment has opened a file of the checkout, and that it would have been seen."""
    log = installed.parent / "opened.txt"
    assert not log.exists(), log.read_text()
    said(installed / "python", "-c", f"open({str(REPOSITORY / 'README.md')!r})", cwd=installed)
    assert "README.md" in log.read_text()
    log.unlink()


@pytest.mark.slow
def test_what_is_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        texts = [archive.read(name) for name in names if not name.endswith((".png", ".svg"))]
    (about,) = {name.split("/")[0] for name in names} - {"pipeline", "store", "trainers"}
    assert about.endswith(".dist-info")
    assert {f"{package}/py.typed" for package in ("pipeline", "store", "trainers")} <= {*names}
    assert "pipeline/__init__.pyi" in names
    assert wheel.stat().st_size < 4e6
    for private in (str(REPOSITORY), str(Path.home())):
        if len(private) > 5:
            assert not [name for name, text in zip(names, texts, strict=False) if private.encode() in text]


@pytest.mark.slow
def test_a_run_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    program = installed / "pipeline"
    home = tmp_path / "home"
    home.mkdir()
    version = said(program, "--version", cwd=home)
    assert re.match(r"harvest-har \S+, commit [0-9a-f]{12}\n", version)
    assert str(installed.parent) in version
    assert str(REPOSITORY) not in version
    said(program, "init", "--dataset", "sample", cwd=home)
    settings = ["--set", "seeds=[0]", "--set", "source.subjects=4", "--set", "source.trials=1"]
    small = [*settings, "--set", "fit.epochs=1", "--set", "stages.vskd.fit.epochs=1"]
    assert "done in" in said(program, "run", *small, cwd=home)
    assert "distilled" in said(program, "results", *small, cwd=home)
    said(program, "report", *small, cwd=home)
    assert (home / "report.html").stat().st_size > 50_000
    assert "pipeline" in said(program, "completion", "bash", cwd=home)
    python = installed / "python"
    code = "import pipeline; print(len(pipeline.open(settings={'seeds': [0]}).status()))"
    assert int(said(python, "-c", code, cwd=home)) > 10
    assert_nothing_read(installed)


@pytest.mark.slow
def test_own_recordings(installed: Path, tmp_path: Path) -> None:
    watch = tmp_path / "watch"
    for person in ("ada", "ben", "cem", "dia"):
        for label, step in (("walk", 1), ("sit", 3)):
            (watch / person).mkdir(parents=True, exist_ok=True)
            rows = [f"{i / 50},{(i * step) % 7},{(i + step) % 5},{i % 3}" for i in range(200)]
            (watch / person / f"{label}.csv").write_text("\n".join(["time,x,y,z", *rows]) + "\n")
    program = installed / "pipeline"
    said(program, "init", str(watch), "--yes", cwd=tmp_path)
    said(program, "run", "--set", "seeds=[0]", "--set", "fit.epochs=1", cwd=tmp_path)
    assert "top-1" in said(program, "results", "--set", "seeds=[0]", "--set", "fit.epochs=1", cwd=tmp_path)
    assert_nothing_read(installed)


@pytest.mark.slow
def test_its_steps_have_the_keys_of_the_checkouts(installed: Path, tmp_path: Path) -> None:
    said(installed / "pipeline", "init", "--dataset", "sample", cwd=tmp_path)
    told = said(installed / "pipeline", "explain", "encode[inertial]", "--json", cwd=tmp_path)
    here = subprocess.run(
        [sys.executable, "-m", "pipeline", "explain", "encode[inertial]", "--json"], cwd=tmp_path, check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PIPELINE_CACHE": str(tmp_path / "cache")},
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert told == here
    assert '"key"' in told


def test_hosted_ci_runs_what_make_knows() -> None:
    jobs = yaml.safe_load(CI.read_text(encoding="utf-8"))["jobs"]
    commands = "\n".join(step["run"] for job in jobs.values() for step in job["steps"] if "run" in step)
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    wanted = set(re.findall(r"\bmake ([a-z-]+)", commands))
    assert wanted
    assert wanted <= targets
