"""A small experiment in a folder of its own, and the program that works on it, in this process or in others."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

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

    def remove(self, stage: str, key: str) -> None:
        """Delete what the store has of an output, as nobody should."""
        if (folder := self.store / "outputs" / stage / key).is_dir():
            shutil.rmtree(folder)

    def copy(self, folder: Path) -> Project:
        """Copy stages file, lock and store to another folder."""
        shutil.copytree(self.folder, folder)
        return Project(folder, self.code)


def copy_packages(folder: Path) -> Path:
    """Copy the program's packages into a folder, with the bytecode that there is: compiling them takes seconds."""
    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    return folder
