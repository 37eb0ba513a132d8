"""A small experiment to plan and run, in a folder of its own; caches go to a temporary folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.io import savemat

from ..warm.workers import warm_environment

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "store", "trainers")

Setting = tuple[str, Any]

SMALL: dict[str, Any] = {
    "source": {"name": "sample", "subjects": 2, "trials": 1},
    "modalities": ["skeleton", "inertial"],
    "protocol": "subject-50-50",
    "seeds": [0],
    "stages": {
        "encode": {},
        "teacher": {"stage": "train", "needs": ["encode"], "model": "dmft", "fit": {"epochs": 1}},
        "student": {"stage": "train", "needs": ["encode"], "model": "dmft-lite", "fit": {"epochs": 1}},
        "distilled": {
            "stage": "distil",
            "needs": ["encode", "teacher"],
            "model": "dmft-lite",
            "loss": "dmft-kd",
            "fit": {"epochs": 1},
        },
        "evaluate": {"needs": ["teacher", "student", "distilled"]},
    },
}


@dataclass
class Project:
    """A folder with a stages file and a store, and the program that works on it.

    Attributes
    ----------
    code
        The folder of the packages that `command` and `start` run.
    """

    folder: Path
    code: Path = REPOSITORY

    @property
    def file(self) -> Path:
        return self.folder / "stages.yaml"

    @property
    def store(self) -> Path:
        return self.folder / ".store"

    def write(self, values: Mapping[str, Any]) -> Project:
        """Write the stages file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(yaml.safe_dump(dict(values), sort_keys=False))
        return self

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``pipeline ...`` in the folder, as the leader of its own process group.

        A run has one worker where the arguments do not say more: each imports torch, which takes seconds.
        """
        one = ("--jobs", "1") if arguments[:1] == ("run",) and not {"--jobs", "--scheduler"} & {*arguments} else ()
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments, *one],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.code), "OMP_NUM_THREADS": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # also in a background job
        )

    def command(self, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``pipeline ...`` to its end and check its exit code."""
        process = self.start(*arguments, **warm_environment(arguments, environment, str(self.code)) | environment)
        out, err = process.communicate(timeout=240)
        assert process.returncode == code, f"{arguments} ended with {process.returncode}:\n{out}\n{err}"
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def status(self, *settings: str, **environment: str) -> dict[str, dict[str, Any]]:
        """Return the steps of ``pipeline status --json``, by id."""
        arguments = [each for setting in settings for each in ("--set", setting)]
        found = json.loads(self.command("status", "--json", *arguments, **environment).stdout)
        return {step["id"]: step for step in found["steps"]}

    def plan(self, *settings: Setting) -> Any:
        """Plan in this process."""
        from pipeline.plan.planner import make_plan

        return make_plan(self.file, settings)

    def reasons(self, *settings: Setting) -> dict[str, list[str]]:
        """Return why steps are not cached, by id; cached ones are left out."""
        from pipeline.plan.explain import reasons

        plan = self.plan(*settings)
        todo = [step for id_, step in plan.steps.items() if plan.states[id_] != "cached"]
        return {step.id: [reason.text for reason in reasons(plan, step)] for step in todo}

    def run(self, *settings: Setting, until: str | None = None) -> list[str]:
        """Do what is not cached, in this process, and return its steps: quicker than `command`."""
        import torch

        from pipeline.lock import lock_path, write_lock
        from pipeline.run.jobs import make_job
        from pipeline.run.selection import select_steps
        from pipeline.run.step.execute import execute

        threads = torch.get_num_threads()
        done = []
        try:
            plan = self.plan(*settings)
            if not plan.indexed:
                execute(make_job(plan, plan.steps["index"], "cpu"), lambda *_: None)
                done.append("index")
                plan = self.plan(*settings)
            if not plan.trial:
                write_lock(lock_path(self.file), plan.lock, plan.old_lock)
            for id_, step in select_steps(plan, until, None).items():
                if plan.states[id_] != "cached":
                    execute(make_job(plan, step, "cpu"), lambda *_: None)
                    done.append(id_)
        finally:
            torch.set_num_threads(threads)
        plan = self.plan(*settings)
        plan.history.record(plan.history.unrecorded_steps(plan.steps.values(), plan.states))
        return done

    def copy(self, folder: Path) -> Project:
        """Copy stages file, lock and store to another folder."""
        shutil.copytree(self.folder, folder)
        return Project(folder, self.code)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for all caches of the session, so that the sample is made once."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("PIPELINE_CACHE")
    os.environ["PIPELINE_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["PIPELINE_CACHE"]
    else:
        os.environ["PIPELINE_CACHE"] = before


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Project:
    """The small experiment, all of it done. Shared: plan it, copy it, but run nothing in it."""
    project = Project(tmp_path_factory.mktemp("finished")).write(SMALL)
    assert len(project.run()) == 9
    return project


@pytest.fixture(scope="session")
def project_at(cache: Path) -> Callable[[Path], Project]:
    """A function that makes a project of a folder."""
    return Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The small experiment in an empty folder."""
    return Project(tmp_path / "project").write(SMALL)


@pytest.fixture
def small() -> dict[str, Any]:
    """The small experiment's stages file, to be changed at will."""
    values: dict[str, Any] = json.loads(json.dumps(SMALL))
    return values


@pytest.fixture(scope="session")
def raw_folder(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The sample's skeletons and inertial series as a dataset in UTD-MHAD's layout, older than a moment."""
    from pipeline.sources.sample.source import Params, Sample

    sample = Sample(Params(subjects=2, trials=1), cache)
    sample.ensure()
    root = tmp_path_factory.mktemp("raw") / "data"
    for folder in ("Skeleton", "Inertial"):
        shutil.copytree(sample.root / folder, root / folder)
    age(root)
    return root


def age(root: Path) -> None:
    """Let all files be an hour old, so that nobody doubts their modification times."""
    past = time.time() - 3600
    for path in root.rglob("*.*"):
        os.utime(path, (past, past))


@pytest.fixture
def raw(raw_folder: Path, tmp_path: Path) -> Path:
    """A copy of `raw_folder` of one's own."""
    root = tmp_path / "data"
    shutil.copytree(raw_folder, root)
    return root


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A copy of the packages, to be edited."""
    return copy_packages(tmp_path / "code")


@dataclass
class Gate:
    """A place in a copy of the program where processes wait until a test has done something."""

    folder: Path

    def put(self, file: Path, line: str) -> None:
        """Have whoever comes to a line, which is there once, wait before it."""
        source = file.read_text()
        assert source.count(line) == 1, f"{file} has {source.count(line)} times: {line}"
        space = line[: len(line) - len(line.lstrip())]
        reach, go = str(self.folder / "reached"), str(self.folder / "go")
        wait = (
            f"{space}open({reach!r}, 'w').close()\n"
            f"{space}while not __import__('os').path.exists({go!r}):\n"
            f"{space}    __import__('time').sleep(0.01)\n"
        )
        file.write_text(source.replace(line, wait + line))

    def reached(self) -> bool:
        """Tell whether somebody waits, or has waited."""
        return (self.folder / "reached").exists()

    def open(self) -> None:
        """Let all go on."""
        (self.folder / "go").touch()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    (tmp_path / "gate").mkdir()
    return Gate(tmp_path / "gate")


@pytest.fixture(scope="session")
def make_project() -> Callable[[Path, Path], Project]:
    """A function that makes a project of a folder, run by a copy of the packages in another."""
    return lambda folder, code: Project(folder, copy_packages(code))


def copy_packages(folder: Path) -> Path:
    """Copy the program's packages into a folder, with the bytecode that there is: compiling them takes seconds."""
    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    return folder


@pytest.fixture(scope="session")
def children() -> Callable[[int], list[int]]:
    """A function that lists the children of a process that are alive; skips where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc on this system")

    def find(parent: int) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, up = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                except OSError:
                    continue
                if int(up) == parent and state != "Z":
                    found.append(int(entry.name))
        return found

    return find


@pytest.fixture(scope="session")
def gone() -> Callable[[list[int]], bool]:
    """A function that waits until processes have ended, ten seconds at most."""

    def wait(processes: list[int]) -> bool:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if not any(_alive(process) for process in processes):
                return True
            time.sleep(0.05)
        return False

    return wait


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="session")
def kill_group() -> Callable[[subprocess.Popen[str]], None]:
    """A function that ends a process and its group by SIGKILL."""

    def kill(process: subprocess.Popen[str]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()

    return kill


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """A function that waits until a condition holds, and fails after a time."""

    def wait(holds: Callable[[], object], seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    return wait


@pytest.fixture(scope="session")
def inertial_files() -> Callable[..., Path]:
    """A function that writes recordings of one inertial unit in UTD-MHAD's layout: four trials of each."""

    def write(root: Path, actions: int, subjects: int, longest: int) -> Path:
        (root / "Inertial").mkdir()
        rng = np.random.default_rng(0)
        for action in range(1, actions + 1):
            for subject in range(1, subjects + 1):
                for trial in range(1, 5):
                    values = rng.normal(size=(rng.integers(120, longest), 6))
                    savemat(root / "Inertial" / f"a{action}_s{subject}_t{trial}_inertial.mat", {"d_iner": values})
        return root

    return write
