"""Figures are those of the data that is there: the lock stands for raw data only where nothing of it is."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError

TABLE = "mean and deviation over seeds"


@pytest.fixture
def done(project: Any, small: dict[str, Any], raw: Path) -> Any:
    """The experiment on files, all of it done, so that its table could be printed from the lock."""
    small["stages"] = {name: small["stages"][name] for name in ("encode", "student", "evaluate")}
    small["stages"]["evaluate"]["needs"] = ["student"]
    project.write(small | {"source": {"name": "utd-mhad", "root": str(raw)}}).run()
    return project


def leave_a_link(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize("command", ["run", "status", "results", "graph"])
def test_a_link_of_git_annex_whose_content_is_not_here(done: Any, raw: Path, command: str) -> None:
    path = raw / "Inertial" / "a3_s2_t1_inertial.mat"
    leave_a_link(path, "../.git/annex/objects/x/SHA256E-s5--0.mat")
    said = done.command(command, code=1)
    assert f"error: {path}: a link to ../.git/annex/objects/x/SHA256E-s5--0.mat, which is not there" in said.stderr
    assert "`git annex get`, `dvc pull`), or remove the link" in said.stderr
    assert TABLE not in said.stdout


def test_all_links_are_counted(done: Any, raw: Path) -> None:
    for path in sorted((raw / "Skeleton").iterdir()):
        leave_a_link(path, "/nowhere/at/all")
    said = done.command("status", code=1).stderr
    assert "(16 of 32 files are like that)" in said
    assert len(said.splitlines()) == 2


def test_a_loop_of_links(done: Any, raw: Path) -> None:
    path = raw / "Inertial" / "a3_s2_t1_inertial.mat"
    leave_a_link(path, path.name)
    assert "is a link that leads to" in done.command("run", code=1).stderr


def test_a_root_that_is_there_without_recordings(done: Any, raw: Path) -> None:
    shutil.rmtree(raw)
    raw.mkdir()
    assert f"source.root: {raw} holds no recordings" in done.command("run", code=2).stderr
    raw.rmdir()
    raw.symlink_to("/nowhere")
    assert f"source.root: there is no folder {raw} (a link to /nowhere)" in done.command("run", code=2).stderr


def test_a_mistyped_root_of_set(done: Any, raw: Path) -> None:
    for setting in (f"source.root={raw}x", f"source={{name: utd-mhad, root: {raw}x}}"):
        said = done.command("run", "--set", setting, code=2)
        assert f"source.root: there is no folder {raw}x" in said.stderr
        assert TABLE not in said.stdout


def test_the_table_says_that_it_is_of_the_lock(done: Any, raw: Path) -> None:
    note = f"note: as stages.lock has it: there is nothing at {raw}"
    assert "as stages.lock has it" not in done.command("results").stdout
    assert json.loads(done.command("status", "--json").stdout)["absent"] == []
    shutil.rmtree(raw)
    for command in ("run", "status", "results"):
        assert note in done.command(command).stdout
    said = done.command("results", "--json")
    assert f"the raw data is not at {raw}; keys come from stages.lock" in said.stderr
    assert json.loads(done.command("status", "--json").stdout)["absent"] == [str(raw)]


def test_a_matrix_has_one_root(done: Any, small: dict[str, Any], raw: Path) -> None:
    """The second root's recordings were never looked at: both points showed the first one's figures."""
    small |= {"source": {"name": "utd-mhad"}, "matrix": {"source.root": [str(raw), f"{raw}x"]}}
    assert "a matrix has one source" in done.write(small).command("status", code=2).stderr


class TestTheLock:
    @pytest.mark.parametrize(
        "setting", ["on_bad_recording=skip", "modalities=[inertial]", "source={name: sample, subjects: 2, trials: 1}"]
    )
    def test_stays_as_it_is_in_a_trial(self, done: Any, setting: str) -> None:
        lock = done.file.with_suffix(".lock")
        before = lock.read_bytes()
        said = done.command("run", "--until", "encode", "--set", setting).stderr
        assert lock.read_bytes() == before
        assert ("note: stages.lock stays as it is" in said) == (setting != "on_bad_recording=skip")

    def test_is_not_begun_by_a_trial(self, done: Any) -> None:
        lock = done.file.with_suffix(".lock")
        lock.unlink()
        done.command("run", "--until", "encode", "--set", "stages.student.fit.epochs=2")
        assert not lock.exists()

    def test_is_written_where_set_says_places_only(self, done: Any, raw: Path, tmp_path: Path) -> None:
        lock = done.file.with_suffix(".lock")
        before = lock.read_bytes()
        elsewhere = tmp_path / "elsewhere"
        shutil.copytree(raw, elsewhere)
        lock.unlink()
        done.command("run", "--until", "encode", "--set", f"source.root={elsewhere}", "--set", f"remote={tmp_path}/r")
        assert lock.read_bytes() == before

    def test_is_not_written_by_accept_in_a_trial(self, done: Any, code: Path, tmp_path: Path) -> None:
        mine = type(done)(done.folder, code)
        file = code / "pipeline/stages/encode/timelines/series.py"
        file.write_text(f"{file.read_text()}\nUNUSED = 1\n")
        before = done.file.with_suffix(".lock").read_bytes()
        said = mine.command("accept", "encode", "--set", "stages.student.fit.epochs=2", code=2).stderr
        assert "accept encode: would write stages.lock" in said
        assert done.file.with_suffix(".lock").read_bytes() == before


class TestWeights:
    """Pretrained weights in a file, which the lock knows by their digest."""

    @pytest.fixture
    def weighed(self, done: Any, small: dict[str, Any], tmp_path: Path) -> Any:
        (tmp_path / "net.pth").write_bytes(b"weights")
        small["source"] = {"name": "synthetic", "actions": 2, "subjects": 2, "trials": 1}
        small["stages"]["student"]["model"] = {"name": "resnet18", "weights": str(tmp_path / "net.pth")}
        small["stages"]["images"] = {"stage": "gaf", "needs": ["encode"]}
        small["stages"]["student"] |= {"needs": ["images"], "modalities": ["inertial"]}
        small["stages"] = {name: small["stages"][name] for name in ("encode", "images", "student")}
        done.write(small).command("run", "--until", "index")
        return done

    def test_come_from_the_lock_where_nothing_is_and_that_is_told(self, weighed: Any, tmp_path: Path) -> None:
        before = weighed.status()
        (tmp_path / "net.pth").unlink()
        assert weighed.status() == before
        said = weighed.command("status")
        assert f"the weights are not at {tmp_path / 'net.pth'}; keys come from stages.lock" in said.stderr
        assert f"as stages.lock has it: there is nothing at {tmp_path / 'net.pth'}" in said.stdout

    def test_of_set_must_be_there(self, weighed: Any, tmp_path: Path) -> None:
        other = tmp_path / "other" / "net.pth"
        said = weighed.command("status", "--set", f"stages.student.model.weights={other}", code=2).stderr
        assert f"no such weights file: {other}" in said

    def test_behind_a_link_that_leads_nowhere(self, weighed: Any, tmp_path: Path) -> None:
        leave_a_link(tmp_path / "net.pth", "annex/object")
        said = weighed.command("status", code=2).stderr
        assert "a link to annex/object, which is not there" in said
        assert "git annex get" in said

    @pytest.fixture
    def two(self, weighed: Any, small: dict[str, Any]) -> Any:
        """Files of one name in two folders."""
        del small["stages"]["student"]
        for name in ("a", "b"):
            (weighed.folder / name).mkdir()
            (weighed.folder / name / "w.pth").write_bytes(name.encode())
            model = {"name": "resnet18", "weights": f"{name}/w.pth"}
            student = {"stage": "train", "needs": ["images"], "modalities": ["inertial"], "model": model}
            small["stages"][f"student-{name}"] = student
        weighed.write(small).command("run", "--until", "index")
        return weighed

    def test_of_one_name_in_two_folders_are_two(self, two: Any) -> None:
        """One of them had the other's digest: keys of weights that were never there."""
        before = {id_: step.key for id_, step in two.plan().steps.items()}
        lock = json.loads(two.file.with_suffix(".lock").read_text())["weights"]
        assert lock == {f"{name}/w.pth": hashlib.sha256(name.encode()).hexdigest() for name in ("a", "b")}
        for name in ("a", "b"):
            shutil.rmtree(two.folder / name)
        assert {id_: step.key for id_, step in two.plan().steps.items()} == before
        assert len(two.plan().absent) == 2

    def test_of_one_name_in_an_earlier_lock_are_not_guessed(self, two: Any) -> None:
        by_name(two)
        shutil.rmtree(two.folder / "a")
        with pytest.raises(ConfigError, match=r"/a/w\.pth, and the lock may mean any of a/w\.pth, b/w\.pth\n  fetch"):
            two.plan()
        (two.folder / "a").mkdir()
        (two.folder / "a" / "w.pth").write_bytes(b"a")
        assert set(two.plan().lock.weights) == {"a/w.pth", "b/w.pth"}

    def test_in_an_earlier_lock_are_found_by_name(self, weighed: Any, tmp_path: Path) -> None:
        before = {id_: step.key for id_, step in weighed.plan().steps.items()}
        by_name(weighed)
        (tmp_path / "net.pth").unlink()
        assert {id_: step.key for id_, step in weighed.plan().steps.items()} == before
        assert str(tmp_path / "net.pth") in weighed.plan().absent


def by_name(project: Any) -> None:
    """Write the lock as earlier versions did: with files of weights by their last part."""
    path = project.file.with_suffix(".lock")
    lock = json.loads(path.read_text())
    lock["weights"] = {Path(name).name: sha256 for name, sha256 in lock["weights"].items()}
    path.write_text(json.dumps(lock))
