"""What a model begins with: named by entry or key, in keys and lineage, refused where it may know what is tested."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
import torch

from pipeline.errors import ConfigError
from pipeline.run.jobs import make_job
from store import Store
from trainers.tensors import unpack

FOLD = "subjects=odd,seed=0"
BEGUN = f"begun[{FOLD}]"
TEACHER = f"teacher[{FOLD}]"
FROM = "stages.begun.init_from"
MODEL: dict[str, Any] = {"name": "dmft-lite", "layers": 1, "width": 8}
EXPERIMENT: dict[str, Any] = {
    "source": {"name": "sample", "subjects": 2, "trials": 1, "streams": ["inertial"]},
    "modalities": ["inertial"],
    "protocol": "subject-50-50",
    "seeds": [0],
    "fit": {"epochs": 1},
    "stages": {
        "encode": {},
        "begun": {"stage": "train", "needs": ["encode"], "model": MODEL, "init_from": "teacher"},
        "teacher": {"stage": "train", "needs": ["encode"], "model": MODEL},
        "evaluate": {"needs": ["teacher", "begun"]},
    },
}


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory, project_at: Any, cache: Any) -> Any:
    """The experiment, all of it done; shared: copy it."""
    project = project_at(tmp_path_factory.mktemp("begun")).write(EXPERIMENT)
    assert len(project.run()) == 6
    return project


def refusal(project: Any, *settings: tuple[str, Any]) -> tuple[str, str]:
    with pytest.raises(ConfigError) as refused:
        project.plan(*settings)
    problem, _, remedy = str(refused.value).partition("\n")
    return problem, remedy.strip()


def test_a_model_begins_with_another_entrys_of_its_fold_and_seed(begun: Any) -> None:
    plan = begun.plan()
    step, teacher = plan.steps[BEGUN], plan.steps[TEACHER]
    assert step.recipe["init"] == teacher.key
    assert "init_from" not in step.recipe["params"]
    assert teacher.id in step.needs
    manifest = begun.plan().store.output(step.stage, step.key).manifest
    assert teacher.key in manifest.inputs


def test_without_it_keys_are_what_they_were(begun: Any) -> None:
    plain = begun.plan((FROM, None)).steps[BEGUN]
    assert not {"init", "new_heads"} & {*plain.recipe}
    assert plain.key == begun.plan().steps[TEACHER].key


def test_it_is_made_anew_where_what_it_began_with_changes(begun: Any) -> None:
    reasons = begun.reasons(("stages.teacher.fit.epochs", 2))
    assert reasons[BEGUN] == [f"input {TEACHER} changed"]


def test_the_first_weights_are_those_of_the_model_and_the_standardiser_is_its_own(begun: Any, tmp_path: Any) -> None:
    """With a rate of next to nothing, no step changes a weight by more than that."""
    project = begun.copy(tmp_path / "copy")
    still = [("stages.begun.fit.lr", 1e-12), ("stages.begun.fit.weight_decay", 0)]
    project.run(*still, until="begun")
    plan = project.plan(*still)
    tensors = {}
    for id_ in (BEGUN, TEACHER):
        step = plan.steps[id_]
        content = plan.store.output(step.stage, step.key).read_bytes("model.safetensors")
        tensors[id_], _ = unpack(content, "model")
    assert {*tensors[BEGUN]} == {*tensors[TEACHER]}
    for name, tensor in tensors[BEGUN].items():
        torch.testing.assert_close(tensor, tensors[TEACHER][name], rtol=0, atol=1e-9)


def test_what_is_no_model_is_refused(begun: Any) -> None:
    assert "stages.begun.init_from: no entry 'teachr'" in refusal(begun, (FROM, "teachr"))[0]
    assert "encode is of stage encode, and has no trained model" in refusal(begun, (FROM, "encode"))[0]
    assert "a cycle: begun -> begun" in refusal(begun, (FROM, "begun"))[0]
    other = [("stages.teacher.model", "cnn1d")]
    assert "teacher is the network cnn1d, and this is dmft-lite" in refusal(begun, *other)[0]
    problem, remedy = refusal(begun, (FROM, {"output": "0" * 12}))
    assert "init_from.output: 000000000000: no trained model of" in problem
    assert "pipeline pull KEY" in remedy
    assert "init_from" in refusal(begun, (FROM, {"output": "teacher"}))[0]


def test_a_model_of_the_store_is_an_input_and_no_step(begun: Any, tmp_path: Any) -> None:
    project = begun.copy(tmp_path / "copy")
    key = project.plan().steps[TEACHER].key
    setting = (FROM, {"output": key[:12]})
    plan = project.plan(setting)
    step = plan.steps[BEGUN]
    assert step.recipe["init"] == key
    assert "new_heads" not in step.recipe  # the same classes, by their names
    job = make_job(plan, step, "cpu")
    assert ("train", key) in job.inputs.values()
    assert TEACHER not in step.needs
    project.run(setting, until="evaluate")
    store = project.plan().store
    assert key in store.output(step.stage, step.key).manifest.inputs
    evaluated = project.plan(setting).steps[f"evaluate[begun,{FOLD}]"]
    assert key not in store.output(evaluated.stage, evaluated.key).manifest.inputs


def test_a_model_that_may_know_what_is_tested_is_refused(begun: Any, tmp_path: Any) -> None:
    key = begun.plan().steps[TEACHER].key
    named = (FROM, {"output": key})
    problem, remedy = refusal(begun, named, ("protocol", "loso"))
    assert f"{key[:12]} was trained on sample, too, and on other recordings than fold subject=1" in problem
    assert "those that are tested here may be among them" in problem
    assert "name an entry of this file" in remedy
    begun.plan(named, ("protocol", "all-data"))  # which tests nothing
    project = begun.copy(tmp_path / "copy")
    shutil.rmtree(project.store / "outputs" / "encode")
    problem, remedy = refusal(project, named)
    assert f"what {key[:12]} was trained on is not known" in problem
    assert f"pipeline pull {key[:12]}" in remedy


def test_what_an_ensemble_taught_knows_what_its_members_know(begun: Any, tmp_path: Any) -> None:
    project = begun.copy(tmp_path / "copy")
    voted = {"stage": "ensemble", "needs": ["teacher"]}
    taught = {"stage": "distil", "needs": ["encode", "voted"], "model": MODEL, "loss": "hinton"}
    both = (("stages.voted", voted), ("stages.taught", taught), ("stages.evaluate.needs", ["taught"]))
    project.run(*both)
    key = project.plan(*both).steps[f"taught[{FOLD}]"].key
    project.plan((FROM, {"output": key}))
    problem, _ = refusal(project, (FROM, {"output": key}), ("protocol", "loso"))
    assert "was trained on sample, too" in problem
    shutil.rmtree(project.store / "outputs" / "train")
    problem, _ = refusal(project, (FROM, {"output": key}))
    assert f"which {key[:12]} was made from, was trained on is not known" in problem


def test_other_classes_have_heads_of_their_own_and_other_channels_are_refused(
    begun: Any, tmp_path: Any, project_at: Any
) -> None:
    """From one data set to another: a folder of two classes, of a sensor with as many channels, or with others."""
    folder = tmp_path / "own"
    draw = torch.Generator().manual_seed(0)
    for who in "12":
        for what in ("nod", "shake"):
            (folder / "data" / who).mkdir(parents=True, exist_ok=True)
            rows = torch.randn(80, 6, generator=draw).tolist()
            lines = ["a,b,c,d,e,f", *(",".join(f"{value:.4f}" for value in row) for row in rows)]
            (folder / "data" / who / f"{what}.csv").write_text("\n".join(lines) + "\n")
    source = {
        "name": "folder", "root": "data", "classes": ["nod", "shake"],
        "streams": {"inertial": {"kind": "series", "rate": 50, "files": "{subject}/{label}.csv"}},
    }  # fmt: skip
    key = begun.plan().steps[TEACHER].key
    entry = {"stage": "train", "needs": ["encode"], "model": MODEL, "init_from": {"output": key[:12]}}
    stages = {"encode": {}, "begun": entry}
    project = project_at(folder).write({**EXPERIMENT, "source": source, "stages": stages})
    shutil.copytree(begun.store, project.store)
    fixed = [("stages.begun.fit.lr", 1e-12), ("stages.begun.fit.weight_decay", 0)]
    project.run(*fixed)
    plan = project.plan(*fixed)
    (step,) = [each for each in plan.steps.values() if each.entry == "begun"]
    assert step.recipe["new_heads"] is True
    own, _ = unpack(plan.store.output(step.stage, step.key).read_bytes("model.safetensors"), "model")
    stored, _ = unpack(plan.store.output("train", key).read_bytes("model.safetensors"), "model")
    heads = {name for name in own if own[name].shape != stored[name].shape}
    assert heads
    assert all(own[name].shape[0] == 2 for name in heads)
    for name in own.keys() - heads:
        if name.startswith("model."):
            torch.testing.assert_close(own[name], stored[name], rtol=0, atol=1e-9)
    failed = project.command("run", "--set", "stages.encode.inertial.reduce=mean", code=1).stderr
    assert (
        "init_from: input inertial has 6 channels, and inertial of the model that it should begin with has 12" in failed
    )


def test_lineage_and_gc_know_what_a_model_began_with(begun: Any) -> None:
    plan = begun.plan()
    shown = json.loads(begun.command("store", "show", BEGUN, "--json").stdout)
    assert plan.steps[TEACHER].key in json.dumps(shown)
    kept = Store.open(str(begun.store)).garbage_collection(grace_s=0, drop_refs=[])
    assert not [each for each in kept.garbage if plan.steps[TEACHER].key in each.path]
