"""``pipeline gc``: shows first, frees with --yes, and takes nothing that a run uses."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.maintenance.references import encode_ref, parse_ref


def json_of(project: Any, *arguments: str) -> Any:
    return json.loads(project.command(*arguments, "--json").stdout)


def age(folder: Path, days: float) -> None:
    past = time.time() - days * 86400
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (past, past))


@pytest.fixture(scope="module")
def base(finished: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The finished experiment; all from the teacher on was done again with other settings, the rest is 20 days old."""
    project = finished.copy(tmp_path_factory.mktemp("base") / "project")
    store = Store.open(str(project.store))
    for name in store.refs():
        Path(store.url, "refs", name).unlink()
    age(project.store / "outputs", 20)
    project.run(("stages.teacher.fit.epochs", 2))
    return project


@pytest.fixture
def changed(base: Any, tmp_path: Path) -> Any:
    return base.copy(tmp_path / "changed")


CHANGED = 4  # outputs: teacher, distilled, and the evaluations of both


def test_shows_first_and_frees_with_yes(changed: Any) -> None:
    before = {path for path in changed.store.rglob("*") if path.is_file()}
    said = changed.command("gc").stdout
    assert "train " in said
    assert "no experiment uses it" in said
    assert "20 days" in said
    assert "Add --yes" in said
    assert {path for path in changed.store.rglob("*") if path.is_file()} == before
    scraps = [each for each in json_of(changed, "gc", "--dry-run")["scraps"] if each["what"] == "output"]
    assert [each["freed"] for each in scraps] == [None] * CHANGED
    said = changed.command("gc", "--yes").stdout
    assert f"freed {CHANGED} outputs" in said
    assert not any((changed.store / each["path"]).exists() for each in scraps)
    assert "nothing can be freed" in changed.command("gc").stdout
    status = changed.status("stages.teacher.fit.epochs=2")
    assert {each["state"] for each in status.values()} == {"cached"}
    changed.command("verify", "--all")


def test_the_grace_period_keeps_what_is_young(changed: Any) -> None:
    assert "nothing can be freed" in changed.command("gc", "--grace", "21d").stdout
    assert "nothing can be freed" in changed.command("gc", "--grace", "600h").stdout
    assert f"{CHANGED} outputs" in changed.command("gc", "--grace", "2w").stdout


def test_a_trial_and_an_edit_leave_what_was_there_before(finished: Any, tmp_path: Path) -> None:
    """Of the same steps with other settings: what the stages file says, or said until lately, is no garbage."""
    project = finished.copy(tmp_path / "project")
    store = Store.open(str(project.store))
    for name in store.refs():  # where it was copied from
        Path(store.url, "refs", name).unlink()
    project.run()  # names all that is there
    steps = project.plan().history.steps
    age(project.store / "outputs", 20)
    project.run(("stages.teacher.fit.epochs", 2))
    assert "nothing was freed" in project.command("gc", "--yes").stdout
    assert project.reasons() == {}
    assert project.plan().history.steps == steps
    text = project.file.read_text()
    project.file.write_text(text.replace("epochs: 1", "epochs: 2"))
    assert project.file.read_text() != text
    project.run()
    assert "nothing was freed" in project.command("gc", "--yes").stdout
    project.file.write_text(text)
    assert project.reasons() == {}


def test_forgetting_an_experiment(changed: Any) -> None:
    (ref,) = Store.open(str(changed.store)).refs()
    said = changed.command("gc", "--grace", "0", "--forget", "stages").stdout
    assert f"{ref} would be forgotten" in said
    found = json_of(changed, "gc", "--grace", "0", "--forget", ref)
    assert found["forgotten"] == [ref]
    assert sum(each["what"] == "output" for each in found["scraps"]) == found["outputs"]
    assert f"forgot {ref}" in changed.command("gc", "--grace", "0", "--forget", ref, "--yes").stdout
    assert not Store.open(str(changed.store)).refs()
    assert not list(Store.open(str(changed.store)).outputs())


def test_without_any_experiment_all_stays(changed: Any) -> None:
    store = Store.open(str(changed.store))
    for name in store.refs():
        Path(store.url, "refs", name).unlink()
    said = changed.command("gc", "--grace", "0", "--yes").stdout
    assert "no experiment is known here" in said
    assert len(list(store.outputs())) == 9 + CHANGED


def test_an_experiment_untouched_for_long_is_listed(changed: Any) -> None:
    store = Store.open(str(changed.store))
    ((name, content),) = store.refs().items()
    assert name not in changed.command("gc").stdout
    store.write_ref(name, encode_ref({**parse_ref(content), "written": "2020-01-01T00:00:00+00:00"}))
    said = changed.command("gc").stdout
    assert f"  {name} (" in said
    assert "--forget" in said


MISTAKES = {
    "--grace soon": "--grace soon: not a time",
    "--grace 14": "--grace 14: not a time",
    "--yes --dry-run": "exclude each other",
    "--store nowhere": "there is no store at",
    "--forget nobody": "--forget nobody: there is no such reference",
    "--set stor=x": "no such key",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_mistakes(base: Any, arguments: str) -> None:
    assert MISTAKES[arguments] in base.command("gc", *arguments.split(), code=2).stderr


def test_a_link_to_photographs(changed: Any, tmp_path: Path) -> None:
    """Below a stage's folder, below an output's, and for a whole stage."""
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "one").write_text("precious")
    age(photographs, 400)
    links = ["outputs/encode/photographs", "outputs/mystage"]
    for link in links:
        (changed.store / link).symlink_to(photographs)
    os.mkfifo(changed.store / "outputs/encode/pipe")
    said = changed.command("gc", "--yes", "--grace", "0").stdout
    assert f"freed {CHANGED} outputs," in said
    for link in links:
        assert f"{link}, a symbolic link" in said
        assert (changed.store / link).is_symlink()
    assert "outputs/encode/pipe, a FIFO" in said
    assert "mount --bind" in said
    assert (photographs / "one").read_text() == "precious"
    found = {each["path"]: each["is"] for each in json_of(changed, "gc")["irregular"]}
    assert found == {**dict.fromkeys(links, "a symbolic link"), "outputs/encode/pipe": "a FIFO"}
    said = changed.command("verify", "--all", code=1).stdout
    assert all(f"{link}, a symbolic link" in said for link in links)
    assert "none damaged" in said


def test_what_is_not_of_this_store_is_named_and_stays(changed: Any) -> None:
    foreign = ["families/.DS_Store", "outputs/2024-01-01/12-00-00/model.pt", "outputs/encode/README", "refs/old/x"]
    for path in foreign:
        (changed.store / path).parent.mkdir(parents=True, exist_ok=True)
        (changed.store / path).write_text("precious")
        os.utime(changed.store / path, (1e9, 1e9))
    age(changed.store / "outputs/2024-01-01", 99)
    said = changed.command("gc").stdout
    assert f"not of this store, neither used nor freed: {', '.join(foreign)}\n" in said + "\n"
    assert f"freed {CHANGED} outputs," in changed.command("gc", "--yes").stdout
    assert [(changed.store / path).read_text() for path in foreign] == ["precious"] * len(foreign)
    assert json_of(changed, "gc")["not_of_this_store"] == foreign
    assert json_of(changed, "verify", "--all", "--size")["not_of_this_store"] == foreign
    assert "not of this store" in changed.command("verify", "--all", "--size").stdout
    for command in ("ls", "du"):
        told = changed.command("store", command)
        assert "12-00-00" not in told.stdout
        assert told.stderr == ""


def test_a_manifest_that_cannot_be_trusted_stops_it(changed: Any) -> None:
    """The same reference names all of it, so only a manifest tells what a colleague's model was made from."""
    store = Store.open(str(changed.store))
    (name,) = store.refs()
    (model, *_) = (key for stage, key in store.outputs("distil"))
    Path(store.url, "refs", name).unlink()
    store.write_ref("colleague.json", encode_ref({"stage": "distil", "key": model}))
    path = changed.store / f"outputs/distil/{model}/manifest.json"
    whole = path.read_bytes()
    manifest = json.loads(whole)
    earlier = json.dumps({key: value for key, value in manifest.items() if key != "sha256"}, indent=1)
    first = manifest["inputs"][0]
    wrong = chr(ord(first[0]) ^ 1) + first[1:]
    for text in (whole, earlier.encode()):
        place = text.rindex(first.encode())
        path.write_bytes(text[:place] + wrong.encode() + text[place + len(first) :])
        before = sorted(changed.store.rglob("*"))
        said = changed.command("gc", "--yes", "--grace", "0", code=1).stderr
        assert f"distil/{model}/manifest.json cannot be trusted" in said
        assert "nothing is freed" in said
        assert "verify --all --quarantine" in said or "with --quarantine" in said
        assert sorted(changed.store.rglob("*")) == before
        said = changed.command("verify", "--all", code=1).stdout
        assert "1 damaged" in said
        assert "manifest.json" in said
    path.write_bytes(earlier.encode())
    kept = {key for stage, key in store.outputs() if key in manifest["inputs"]}
    assert kept
    changed.command("gc", "--yes", "--grace", "0")
    assert kept <= {key for stage, key in store.outputs()}


@pytest.fixture
def short(project: Any, small: dict[str, Any]) -> Any:
    """An experiment of one model."""
    del small["stages"]["teacher"], small["stages"]["distilled"]
    small["stages"]["evaluate"]["needs"] = ["student"]
    return project.write(small)


def test_a_run_that_goes_on_keeps_what_it_uses(short: Any) -> None:
    """With no grace at all, again and again while it runs."""
    run = short.start("run", "--jobs", "1")
    freed = rounds = 0
    while run.poll() is None:
        if (short.store / "refs").is_dir() and any((short.store / "refs").iterdir()):
            found = json_of(short, "gc", "--yes", "--grace", "0")
            freed += sum(each["what"] == "output" and bool(each["freed"]) for each in found["scraps"])
            rounds += 1
        else:
            time.sleep(0.05)
    out, err = run.communicate()
    assert run.returncode == 0, f"{out}\n{err}"
    assert freed == 0
    assert rounds >= 2
    assert short.command("verify").returncode == 0


@pytest.mark.slow
def test_a_killed_run_goes_on_after_cleaning(short: Any, kill_group: Any) -> None:
    run = short.start("run", "--jobs", "1")
    end = time.monotonic() + 120
    while not list(short.store.glob("outputs/train/*/lock")):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    kill_group(run)
    published = len(list(short.store.glob("outputs/*/*/manifest.json")))
    said = short.command("gc", "--yes", "--grace", "0").stdout
    assert len(list(short.store.glob("outputs/*/*/manifest.json"))) == published, said
    short.command("run", "--jobs", "1")
    assert short.command("verify").returncode == 0
