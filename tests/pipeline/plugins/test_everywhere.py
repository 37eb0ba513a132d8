"""Plug-ins work wherever steps are done: at a scheduler, together, in reading processes, in accept, after a stop."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from pipeline.errors import CodeChanged, PipelineError
from pipeline.plugins.places import name_places
from pipeline.run.jobs import make_job
from pipeline.run.step.execute import execute, execute_batch


def edit(project: Any, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def forget(project: Any, *entries: str) -> None:
    """Delete the outputs of entries."""
    plan = project.plan()
    for step in plan.steps.values():
        if step.entry in entries:
            project.remove(step.stage, step.key)


def objects(project: Any) -> dict[str, dict[str, str]]:
    """Return the digests of what each step made."""
    plan = project.plan()
    made = {id_: plan.store.manifest(step.stage, step.key) for id_, step in plan.steps.items()}
    return {id_: {entry.path: entry.sha256 for entry in manifest.objects} for id_, manifest in made.items()}


@pytest.mark.slow
def test_at_a_scheduler(herd: Any) -> None:
    """Encoding and the stage are made in shards by its workers, models as whole steps."""
    before = objects(herd)
    forget(herd, "encode", "smooth", "student", "evaluate")
    herd.command("run", "--scheduler", "local", "--jobs", "1", "--device", "cpu")
    after = objects(herd)
    assert {id_ for id_, made in after.items() if made != before[id_]} <= {"index"}


def test_models_that_train_as_one(herd: Any) -> None:
    """Where both model and loss say that they can be."""
    from pipeline.run.batching import batch_signature

    plan = herd.plan()
    students = [step for step in plan.steps.values() if step.entry == "student"]
    assert [batch_signature(plan, step) for step in students] == [None, None]
    edit(herd, "tiny.py", '    takes = "series"', '    stacks = True\n    takes = "series"')
    edit(herd, "tiny.py", "dropout: float = 0.1", "dropout: float = 0.0")
    plan = herd.plan()
    students = [step for step in plan.steps.values() if step.entry == "student"]
    assert [batch_signature(plan, step) for step in students] == [None, None]
    edit(herd, "follow.py", '    """The hard', '    stacks = True\n    """The hard')
    plan = herd.plan()
    students = [step for step in plan.steps.values() if step.entry == "student"]
    one, other = (batch_signature(plan, step) for step in students)
    assert one == other is not None
    ends = list(execute_batch([make_job(plan, step, "cpu") for step in students], lambda *_: None))
    assert [type(end.message).__name__ for end in ends] == ["StepDone", "StepDone"]
    manifests = [plan.store.manifest(step.stage, step.key) for step in students]
    assert [each.provenance["together"] for each in manifests] == [2, 2]


VIDEO = '''
import numpy as np
from .cows import Cows as Collars
from pipeline.sources.base import Modality, Probe, Video


class Barn(Collars):
    """Grey frames, of which the number is their brightness; read in Python."""

    modalities = {"film": Modality("video", ("collar",), rate=10.0)}

    def probe(self, recording, stream):
        return Probe(12, (16, 16, 3))

    def open_video(self, recording, stream):
        return Film()


class Film(Video):
    length = 12

    def frames(self, wanted=None, side=None):
        for number in range(12) if wanted is None else wanted:
            yield np.full((16, 16, 3), number * 20, np.uint8)
'''


def test_in_reading_processes(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.run.step.source.cores", lambda: 2)
    (fresh.folder / "barn.py").write_text(VIDEO)
    settings = [
        ("source.name", "barn.py:Barn"),
        ("modalities", ["film"]),
        ("stages", {"encode": {"film": {"backbone": "resnet18", "weights": "none", "image_size": 32, "patches": 2}}}),
    ]
    for key in list(fresh.folder.glob("data/[34]")):
        shutil.rmtree(key)
    assert fresh.run(*settings) == ["index", "encode[film]"]
    edit(fresh, "barn.py", "yield np.full((16, 16, 3)", "yield np.full((16, 16)")
    plan = fresh.plan(*settings)
    execute(make_job(plan, plan.steps["index"], "cpu"), lambda *_: None)
    plan = fresh.plan(*settings)
    with pytest.raises(PipelineError) as raised:
        execute(make_job(plan, plan.steps["encode[film]"], "cpu"), lambda *_: None)
    assert "barn.py:7" in name_places(str(raised.value))
    assert "defect" not in str(raised.value)


def test_accept_takes_a_change_of_no_value(herd: Any) -> None:
    plan = herd.plan()
    plan.history.record(plan.history.unrecorded_steps(plan.steps.values(), plan.states))
    edit(herd, "smooth.py", "np.ones(params.samples) / params.samples", "np.full(params.samples, 1 / params.samples)")
    assert herd.plan().states["smooth[collar]"] == "todo"
    told = herd.command("accept", "smooth", "--device", "cpu").stdout
    assert "the code of smooth is accepted" in told
    assert herd.reasons() == {}
    edit(herd, "smooth.py", '"same")', '"same") + 1')
    assert "changes values" in herd.command("accept", "smooth", "--device", "cpu", code=1).stderr


def test_it_goes_on_where_it_stopped(herd: Any) -> None:
    """A shard that is journalled is not made again: with code that could not make it."""
    plan = herd.plan()
    step = plan.steps["smooth[collar]"]
    herd.remove(step.stage, step.key)

    class Stop(Exception):
        pass

    def stop(done: int, total: int, what: str) -> None:
        raise Stop

    with pytest.raises(Stop):
        execute(make_job(herd.plan(), step, "cpu"), stop)
    assert herd.plan().states[step.id] == "partial"
    assert herd.run() == [step.id]


def test_a_file_that_is_edited_meanwhile(herd: Any) -> None:
    """A step does what its key says, or nothing."""
    forget(herd, "smooth", "student")
    plan = herd.plan()
    jobs = {entry: make_job(plan, step, "cpu") for entry, step in ((s.entry, s) for s in plan.steps.values())}
    edit(herd, "smooth.py", "/ params.samples", "/ 5")
    with pytest.raises(CodeChanged, match=r"smooth\.py changed while this ran"):
        execute(jobs["smooth"], lambda *_: None)
    assert plan.store.manifest("transform", plan.steps["smooth[collar]"].key) is None
    edit(herd, "smooth.py", "class Smooth", "class Smoother")
    with pytest.raises(CodeChanged, match="has no class Smooth: it changed while this ran"):
        execute(jobs["smooth"], lambda *_: None)
    edit(herd, "smooth.py", "class Smoother", "class Smooth")
    edit(herd, "smooth.py", "/ 5", "/ params.samples  # as it was")
    execute(jobs["smooth"], lambda *_: None)
