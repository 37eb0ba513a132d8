"""A refactoring that changes no value costs one shard; a change of values is refused with the numbers."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

ENCODE = "pipeline/stages/encode/shards.py"
COUNT = 'open(__import__("os").environ["SHARDS"], "a").write(f"{self._task.name} {shard.number}\\n"); '


def keys(project: Any) -> dict[str, str]:
    return {id_: step["key"] for id_, step in project.status().items()}


def stale(project: Any) -> set[str]:
    return {step["entry"] for step in project.status().values() if step["state"] != "cached"}


def accepted(project: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.file.with_suffix(".lock").read_bytes()).get("accepted", {})
    return found


def refactor(edit: Any, value: str = "") -> None:
    """Rename a variable of encode and count the shards that are computed; `value` changes what is stored."""
    old = " " * 12 + "stored = as_stored(encoded, self._arrays, self._task.name, shard.to_encode)\n"
    edit(ENCODE, old, f"{old[:12]}{COUNT}{old[12:].replace('stored =', 'kept =')}{value}")
    edit(ENCODE, "stored[name][shard.reused]", "kept[name][shard.reused]")
    edit(ENCODE, "self._arrays, shard.number, stored)", "self._arrays, shard.number, kept)")


def test_a_refactoring_costs_one_shard(edited: Any, edit: Any, tmp_path: Path) -> None:
    before = keys(edited)
    outputs = sorted(path.name for path in (edited.store / "outputs").rglob("*"))
    refactor(edit)
    assert stale(edited) == {"encode", "gaf", "student", "evaluate"}
    assert "where that changes no value: `pipeline accept encode`\n" in edited.command("status").stdout
    said = edited.command("accept", "encode", SHARDS=str(tmp_path / "shards"))
    assert "stages.lock: the code of encode is accepted" in said.stdout
    assert "encode[skeleton]: shard" in said.stderr
    assert said.stderr.count("equal to the bit") == 2
    assert keys(edited) == before
    assert stale(edited) == set()
    assert "everything is cached (6 steps), nothing to do" in edited.command("run").stdout
    assert len(accepted(edited)) == 1  # which running did not forget
    counted = (tmp_path / "shards").read_text().splitlines()
    assert sorted(line.split()[0] for line in counted) == ["inertial", "skeleton"]  # one of four each
    assert sorted(path.name for path in (edited.store / "outputs").rglob("*")) == outputs


def test_the_lock_says_who_and_what(edited: Any, edit: Any, tmp_path: Path) -> None:
    earlier = json.loads(edited.command("explain", "encode[skeleton]", "--json").stdout)[0]["recipe"]["code"]
    refactor(edit)
    edited.command("accept", "encode", "--shards", "2", SHARDS=str(tmp_path / "shards"), LOGNAME="ada")
    ((code, entry),) = accepted(edited).items()
    assert re.fullmatch("[0-9a-f]{64}", code)
    assert (entry["entry"], entry["by"], entry["tolerance"]) == ("encode", "ada", 1e-5)
    assert re.fullmatch(r"encode\[skeleton\]: shards \d, \d, 8 recordings", entry["checked"][0])
    assert entry["difference"] == dict.fromkeys(("features", "rows.sha256", "series", "skipped.json", "valid"), 0.0)
    assert entry["code"] == earlier
    step = edited.status()["encode[inertial]"]
    assert step["accepted"] == entry
    assert edited.status("equal_code=refuse")["index"]["accepted"] is None
    told = f"its code was accepted for earlier code by ada on {entry['at']} (equal values in encode[skeleton]: "
    assert told in edited.command("status").stdout
    assert told in edited.command("explain", "encode[inertial]").stdout
    assert told not in edited.command("explain", "student").stdout


def test_changed_values_are_refused(edited: Any, edit: Any, tmp_path: Path) -> None:
    refactor(edit, value='            kept["features"] = kept["features"] * np.float32(1.001)\n')
    lock = edited.file.with_suffix(".lock").read_bytes()
    said = edited.command("accept", "encode", code=1, SHARDS=str(tmp_path / "shards"))
    assert "error: accept encode: the code changes values by more than 1e-05 of their scale" in said.stderr
    number = r"(-?[\d.]+(?:e-?\d+)?)"
    found = re.search(
        rf"encode\[inertial\] shard \d, 4 recordings, features: recording (\S+) at \[\d+, \d+\]: "
        rf"{number} became {number} \({number} of the scale",
        said.stderr,
    )
    assert found, said.stderr
    assert float(found[3]) / float(found[2]) == pytest.approx(1.001, rel=1e-4)
    assert float(found[4]) == pytest.approx(1e-3, rel=0.1)
    assert ", valid: " not in said.stderr
    assert edited.file.with_suffix(".lock").read_bytes() == lock
    assert "encode" in stale(edited)
    edited.command("accept", "encode", "--tolerance", "0.002", SHARDS=str(tmp_path / "shards"))
    assert stale(edited) == set()


@pytest.mark.slow
def test_a_second_refactoring_leads_to_the_first_code(edited: Any, edit: Any, tmp_path: Path) -> None:
    before = keys(edited)
    first = edited.command("explain", "encode[skeleton]", "--json").stdout
    refactor(edit)
    edited.command("accept", "encode", SHARDS=str(tmp_path / "shards"))
    edit(ENCODE, "broken = {recording: str(error)", f"unused = 1\n{' ' * 12}broken = {{recording: str(error)")
    assert "encode" in stale(edited)
    edited.command("accept", "encode", SHARDS=str(tmp_path / "shards"))
    assert keys(edited) == before
    assert len(accepted(edited)) == 2
    code = json.loads(first)[0]["recipe"]["code"]
    assert all(entry["code"] == code for entry in accepted(edited).values())
    edit(ENCODE, f"{' ' * 12}unused = 1\n", "")  # the code in between is still accepted
    assert keys(edited) == before
    edited.command("run", "--only", "encode", "--force", "encode", SHARDS=str(tmp_path / "shards"))
    folder = edited.store / "outputs" / "encode" / before["encode[inertial]"]
    told = json.loads((folder / "manifest.json").read_bytes())["provenance"]["accepted"]
    assert told in [{name: entry[name] for name in told} for entry in accepted(edited).values()]
    assert set(told) == {"entry", "by", "at"}


def test_a_colleague_has_the_keys(edited: Any, edit: Any, tmp_path: Path) -> None:
    """Another folder, no history, the same lock and code; and one without the lock's news knows nothing of it."""
    before = keys(edited)
    alone = edited.copy(tmp_path / "alone")
    refactor(edit)
    edited.command("accept", "encode", SHARDS=str(tmp_path / "shards"))
    colleague = edited.copy(tmp_path / "colleague")
    assert keys(colleague) == before
    assert stale(colleague) == set()
    assert "encode" in stale(alone)


@pytest.mark.slow
def test_without_a_history_the_store_is_searched(edited: Any, edit: Any, tmp_path: Path) -> None:
    project = edited.copy(tmp_path / "elsewhere")
    shutil.rmtree(project.store / "refs")
    before = keys(project)
    refactor(edit)
    (project.store / "outputs" / "encode" / ("0" * 64)).mkdir()
    project.command("accept", "encode", "encode[inertial]", SHARDS=str(tmp_path / "shards"))
    assert keys(project) == before
    lock = project.file.with_suffix(".lock")
    values = json.loads(lock.read_bytes())
    del values["accepted"]
    lock.write_text(json.dumps(values))
    remote = project.store.rename(tmp_path / "remote")
    project.command("accept", "encode", SHARDS=str(tmp_path / "shards"), PIPELINE_REMOTE=str(remote))
    assert {step["state"] for step in project.status(PIPELINE_REMOTE=str(remote)).values()} == {"remote"}
    assert not (project.store / "outputs").exists()
    edit(ENCODE, "broken = {recording: str(error)", f"unused = 1\n{' ' * 12}broken = {{recording: str(error)")
    said = project.command("accept", "encode", code=1).stderr
    assert "has its recipe but for the code" in said
    assert "run it instead" in said


def test_a_parameter_changed_as_well(edited: Any, edit: Any) -> None:
    refactor(edit)
    said = edited.command("accept", "encode", "--set", "stages.encode.inertial.window=12", code=1).stderr
    assert "encode[inertial]: more than its code changed: parameter window: 18.0 -> 12.0" in said
    said = edited.command("accept", "student", code=1).stderr
    assert "student[subjects=odd,seed=0]: its code did not change, other things did: input encode[inertial]" in said
    assert not accepted(edited)


def test_another_closure_is_not_accepted(edited: Any, edit: Any, tmp_path: Path) -> None:
    refactor(edit)
    edited.command("accept", "encode", SHARDS=str(tmp_path / "shards"))
    edit("pipeline/stages/encode/timelines/series.py", "spec: Windows", "spec: 'Windows'")
    assert "encode" in stale(edited)


@pytest.mark.slow
def test_drawn_images(edited: Any, edit: Any) -> None:
    before = keys(edited)
    edit(
        "pipeline/stages/gaf/stage.py",
        "        self._timings = Timings()\n",
        "        self._timings = Timings()\n        unused = 1\n",
    )
    assert stale(edited) == {"gaf"}
    said = edited.command("accept", "gaf")
    assert re.search(r"gaf\[inertial\]: shard \d, 4 recordings: equal to the bit", said.stderr)
    assert keys(edited) == before


@pytest.mark.slow
def test_training_and_what_follows(edited: Any, edit: Any) -> None:
    """One step is trained again whole; a step that needs it waits for its turn."""
    before = keys(edited)
    edit("trainers/fit/loop.py", "hits.item() / len(training.data)", "hits.item() / float(len(training.data))")
    edit(
        "pipeline/stages/evaluate.py",
        "    labels = data.labels.numpy()\n",
        "    labels = (data.labels).numpy()\n    1\n",
    )
    assert stale(edited) == {"student", "evaluate"}
    said = edited.command("accept", "evaluate", code=1).stderr
    assert "more than its code changed: input student[subjects=odd,seed=0] changed" in said
    said = edited.command("accept", "student").stderr
    assert "student[subjects=odd,seed=0]: whole: equal to the bit" in said
    assert stale(edited) == {"evaluate"}
    said = edited.command("accept", "evaluate").stderr
    assert "evaluate[student,subjects=odd,seed=0]: whole: equal to the bit" in said
    assert keys(edited) == before


@pytest.mark.slow
def test_training_that_changed(edited: Any, edit: Any) -> None:
    edit("trainers/fit/loop.py", 'group["lr"] = self._lr\n', 'group["lr"] = self._lr * 1.01\n')
    said = edited.command("accept", "student", code=1).stderr
    assert re.search(r"whole, model.safetensors: \S+: at \[[\d, ]+\]: \S+ became \S+ \(\S+ of the scale", said), said
    assert "history.json: [" in said
    assert not accepted(edited)


@pytest.mark.slow
def test_the_index(edited: Any, edit: Any) -> None:
    before = keys(edited)
    edit(
        "pipeline/stages/index.py",
        "    lengths: list[dict[str, int]] = []\n",
        "    lengths: list[dict[str, int]] = list()\n",
    )
    assert stale(edited) == {"index"}
    edited.command("accept", "index")
    assert keys(edited) == before


def test_inputs_are_accepted_first(done: Any, edited: Any, edit: Any, tmp_path: Path) -> None:
    moved = done.copy(tmp_path / "moved")  # where nothing says which outputs were this experiment's
    moved.code = edited.code
    refactor(edit)
    said = moved.command("accept", "student", code=1).stderr
    assert "no output in" in said
    assert "accept encode first" in said


def test_changed_code_that_fails_is_named(edited: Any, edit: Any) -> None:
    edit("trainers/data/patches.py", "deviation, mean = torch", "spread, mean = torch")
    line = 1 + (edited.code / "trainers/data/patches.py").read_text().splitlines().index(
        "    return torch.cat([mean, deviation], dim=-1)"
    )
    where = f"trainers/data/patches.py:{line} raised NameError: name 'deviation' is not defined\n  mend it there, "
    assert f"error: encode[inertial]: {where}" in edited.command("accept", "encode", code=1).stderr
    assert not accepted(edited)
    assert where in edited.command("run", code=1).stderr


def test_nothing_to_accept(edited: Any) -> None:
    assert "encode: nothing to accept, all of it is in the store" in edited.command("accept", "encode").stdout
    assert not accepted(edited)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encoder"], "accept encoder: no such entry in stages.yaml\n  did you mean `encode`?"),
        (["encode", "encode[x]"], "accept encode encode[x]: no such step of encode\n"),
        (["encode", "student[subjects=odd,seed=0]"], "no such step of encode\n"),
        (["encode", "--tolerance", "-1"], "Invalid value for '--tolerance'"),
        ([], "Missing argument 'ENTRY'"),
    ],
)
def test_mistakes(edited: Any, arguments: list[str], message: str) -> None:
    assert message in edited.command("accept", *arguments, code=2).stderr
