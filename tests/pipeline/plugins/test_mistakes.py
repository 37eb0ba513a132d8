"""A mistake in a plug-in names its file and line, and is never called a defect of this program."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.plugins.places import name_places

from .page import examples


def line_of(file: str, text: str) -> int:
    """Return the line of the page's file that begins so."""
    lines = examples()[file].splitlines()
    return 1 + next(number for number, line in enumerate(lines) if line.strip().startswith(text))


CLASS = {name: line_of(name, "class ") for name in ("cows.py", "tiny.py", "follow.py", "smooth.py")}


PARAMS = line_of("tiny.py", "class Params(")


def edit(project: Any, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def said_by_a_plan(project: Any, *settings: tuple[str, Any]) -> str:
    """Return what the command line says of a plan that fails."""
    from pipeline.error_origin import describe_unforeseen

    try:
        project.plan(*settings)
    except PipelineError as error:
        return name_places(str(error))
    except Exception as error:
        return describe_unforeseen(error)
    raise AssertionError("it is planned")


def said_by_a_step(project: Any, entry: str) -> str:
    """Return how the first step of an entry fails."""
    from pipeline.run.jobs import make_job
    from pipeline.run.messages import StepFailed
    from pipeline.run.step.execute import execute
    from pipeline.run.step.failures import capture_failure

    plan = project.plan()
    step = next(step for step in plan.steps.values() if entry in (step.entry, step.id))
    found = capture_failure(plan.store.url, lambda: execute(make_job(plan, step, "cpu"), lambda *_: None))
    assert isinstance(found, StepFailed), found
    return found.message


PLANNED = [
    ("tiny.py", "class Tiny(", "class Small(", "tiny.py has no class Tiny\n  its classes: Small"),
    (
        "tiny.py",
        "import torch\n",
        "import torhc\n",
        "tiny.py:2: cannot be imported: ModuleNotFoundError: No module named",
    ),
    ("tiny.py", "import torch\n", "import torch\nfrom cows import Cows\n", "write `from .cows import ...`"),
    ("tiny.py", "import torch\n", "import torch\n1 / 0\n", "tiny.py:3: cannot be imported: ZeroDivisionError"),
    ("tiny.py", "import torch\n", "import torch\nopen('/none')\n", "tiny.py:3: cannot be imported: FileNotFoundError"),
    ("tiny.py", "self.body =", "self.body", "tiny.py:19: not valid Python"),
    ("tiny.py", '"series"', '"serie"', "Tiny.takes is 'serie'\n  make it 'patches' or 'series' or 'images'"),
    ("tiny.py", 'takes = "series"', 'takes = "series"\n    single = 1', "Tiny.single is 1\n  make it False or True"),
    (
        "tiny.py",
        "class Tiny(nn.Module)",
        "class Tiny",
        f"tiny.py:{CLASS['tiny.py']}: Tiny is no torch.nn.Module",
    ),
    ("tiny.py", "width: int = 16", "weights: int = 16", "Tiny.Params has weights, which is taken"),
    ("tiny.py", "Params(msgspec.Struct)", "Params", "Tiny.Params is no msgspec.Struct"),
    (
        "follow.py",
        "class Follow(nn.Module)",
        "def Follow(*_)",
        "follow.py has a function, and no class, of the name Follow",
    ),
    ("cows.py", "def list(self)", "def lists(self)", f"source cows.py:Cows (cows.py:{CLASS['cows.py']}): has no list"),
    ("cows.py", "return Listing(tuple(found))", "return found", "list gave list, wanted a Listing"),
    ("cows.py", "cow, label, session,", 'cow, label + "s", session,', "which is not among the source's classes"),
    (
        "cows.py",
        "found = []",
        "found = {}",
        f"cows.py:{line_of('cows.py', 'found.append')}: 'dict' object has no attribute",
    ),
    ("cows.py", "(self, root: Path, params: Params)", "(self, root)", f"cows.py:{CLASS['cows.py']} raised TypeError"),
    ("cows.py", "self.root, self.scale = root, params.scale", "self.root = root / 3 / 'x'", "raised TypeError"),
    ("cows.py", "root: str  #", "folder: str = ''  #", "its Params has no `root: str`"),
    (
        "cows.py",
        "    classes = (",
        "    __slots__ = ('root', 'scale')\n    classes = (",
        "raised AttributeError: 'Cows' object has no attribute 'name'",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), PLANNED)
def test_while_planning(fresh: Any, file: str, old: str, new: str, said: str) -> None:
    edit(fresh, file, old, new)
    if file == "cows.py" and old.startswith("root: str"):
        edit(fresh, "stages.yaml", "root: data", "folder: data")
    message = said_by_a_plan(fresh)
    assert said in message
    assert file in message
    assert "defect" not in message


NAMES = [
    ("source.name", "cowz.py:Cows", "there is no file cowz.py"),
    ("stages.student.model", "tiny.py", "'tiny.py' names no class\n  write tiny.py:Class"),
    ("stages.student.model", "/home/ada/tiny.py:Tiny", "must be those of other machines"),
    ("stages.student.model", "~/tiny.py:Tiny", "must be those of other machines"),
    ("stages.student.model", "my-tiny.py:Tiny", "no name of a module\n  rename it"),
    ("stages.student.model", "herd.tiny:Tiny", "no module herd.tiny is installed"),
    ("stages.student.model", "torch.nosuch:Tiny", "no module torch.nosuch is installed"),
    ("stages.student.model", "herd.tiny:Tiny()", "no module and class"),
    ("stages.student.model", "trainers.models.trn.model:TRN", "is of this program, and no plug-in"),
    ("stages.student.model", "cnn1", "did you mean `cnn1d`?"),
    ("stages.student.model", {"name": "tiny.py:Tiny", "widht": 3}, "did you mean `width`? known: width, dropout"),
    (
        "stages.student.model",
        {"name": "tiny.py:Tiny", "width": "x"},
        f"got text\n  tiny.py:{PARAMS} says what this key takes",
    ),
    ("stages.student.loss", {"name": "follow.py:Follow", "weight": 1}, "no such key"),
    ("stages.smooth.samples", 0.5, "stages.smooth.samples: expected a whole number"),
    ("stages.smooth.modalities", ["collars"], "did you mean `collar`?"),
    ("stages.smooth.stage", "transform", "no stage 'transform'"),
    ("stages.smooth.stage", "gauf", "did you mean `gaf`?"),
]


@pytest.mark.parametrize(("key", "value", "said"), NAMES)
def test_a_name_or_a_parameter(fresh: Any, key: str, value: Any, said: str) -> None:
    message = said_by_a_plan(fresh, (key, value))
    assert said in message
    assert message.startswith(f"--set {key}")


RUN = [
    ("tiny.py", "(self, inputs, valid)", "(self, inputs)", "student", f"tiny.py:{CLASS['tiny.py']} raised TypeError"),
    (
        "tiny.py",
        "(self, shapes, classes, params)",
        "(self, shapes)",
        "student",
        f"tiny.py:{CLASS['tiny.py']} raised Typ",
    ),
    ("tiny.py", "hidden.mean(-1)", "hidden.mean(9)", "student", f"tiny.py:{line_of('tiny.py', 'embedding =')} raised"),
    ("tiny.py", "return {", "return 3, {", "student", f"model Tiny (tiny.py:{CLASS['tiny.py']}): gave tuple, wanted"),
    ("tiny.py", '"streams": {"tiny": logits}', '"streams": {}', "student", "gave no streams"),
    ("tiny.py", "self.embedding_width", "self.width", "student", "has no embedding_width"),
    (
        "follow.py",
        "return hard +",
        "return student['logits'] +",
        "student",
        f"loss Follow (follow.py:{CLASS['follow.py']}): gave",
    ),
    ("follow.py", "(self, params, student_width, teacher_width)", "(self)", "student", "follow.py:"),
    (
        "follow.py",
        '["logits"].detach',
        '["logit"].detach',
        "student",
        f"follow.py:{line_of('follow.py', 'return hard')} raised KeyError",
    ),
    (
        "smooth.py",
        "(self, series, rate)",
        "(self, series)",
        "smooth",
        f"smooth.py:{CLASS['smooth.py']} raised TypeError",
    ),
    ("smooth.py", "return np.stack", "return 1 * list", "smooth", "smooth.py:16 raised"),
    (
        "smooth.py",
        ", axis=1)",
        ", axis=1)[1:]",
        "smooth",
        f"(smooth.py:{CLASS['smooth.py']}): gave an array (44, 3), wanted",
    ),
    ("smooth.py", ", axis=1)", ", axis=1) / 0", "smooth", "gave a value that is not finite"),
    ("smooth.py", "return np.stack", "return str", "smooth", "smooth.py"),
    ("smooth.py", "return np.stack", "raise SystemExit(0); np.stack", "smooth", "smooth.py:16 raised SystemExit: 0"),
    ("smooth.py", "return np.stack", "raise KeyboardInterrupt; np.stack", "smooth", "smooth.py:16 raised Keyboard"),
    ("smooth.py", "def __call__", "def call", "smooth", "smooth.py"),
    (
        "cows.py",
        "return Probe.of(",
        "return (",
        "index",
        f"source cows.py:Cows (cows.py:{CLASS['cows.py']}): probe of recording",
    ),
    ("cows.py", "delimiter=", "delimitr=", "index", f"cows.py:{line_of('cows.py', 'return Series')}"),
]


@pytest.mark.parametrize(("file", "old", "new", "entry", "said"), RUN)
def test_while_a_step_runs(herd: Any, file: str, old: str, new: str, entry: str, said: str) -> None:
    edit(herd, file, old, new)
    message = said_by_a_step(herd, entry)
    assert said in message
    assert f"{file}:" in message
    assert "defect" not in message


@pytest.mark.parametrize("where", ["at its top", "in a call"])
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ('import importlib; other = importlib.import_module(".other", __package__)', "is imported by `importlib`"),
        ("import sys; sys.path.insert(0, __file__.rpartition('/')[0]); import other", "was imported as other"),
    ],
    ids=["importlib", "sys.path"],
)
def test_a_file_that_keys_do_not_see(
    herd: Any, monkeypatch: pytest.MonkeyPatch, where: str, statement: str, said: str
) -> None:
    import sys

    monkeypatch.setattr(sys, "path", [*sys.path])
    (herd.folder / "other.py").write_text("X = 1\n")
    begin = "import numpy as np" if where == "at its top" else "return np.stack"
    edit(herd, "smooth.py", begin, f"{statement}; {begin}")
    try:
        message = said_by_a_plan(herd) if where == "at its top" else said_by_a_step(herd, "smooth")
    finally:
        sys.modules.pop("other", None)
    assert f"other.py: {said}" in message
    assert "`from .other import ...`" in message


@pytest.mark.parametrize("name", ["smooth.py", "near.py"])
@pytest.mark.parametrize("kind", ["fifo", "device", "link", "huge", "folder"])
def test_a_file_that_is_none(fresh: Any, name: str, kind: str) -> None:
    import os

    edit(fresh, "smooth.py", "import msgspec\n", "import msgspec\nfrom .near import x\n")
    path = fresh.folder / name
    path.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "huge":
        path.touch()
        os.truncate(path, 1 << 40)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else name)
    message = said_by_a_plan(fresh)
    said = {
        "fifo": "is a FIFO, no plain file",
        "device": "is a character device",
        "huge": "has more than 16 MiB",
        "folder": "is a folder, no plain file",
    }
    assert f"{name}: {said.get(kind, 'cannot be read: Too many levels')}" in message
    assert "\n  it counts as a module" in message


@pytest.mark.parametrize("file", ["cows.py", "tiny.py"])
def test_one_that_ends_the_program(fresh: Any, file: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A plan does not end as if all were well."""
    from pipeline.cli.main import main

    edit(fresh, file, "import msgspec\n", "import msgspec\nimport sys; sys.exit(0)\n")
    with pytest.raises(SystemExit) as ended:
        main(["status", "-f", str(fresh.folder / "stages.yaml")])
    line = 1 + (fresh.folder / file).read_text().splitlines().index("import sys; sys.exit(0)")
    assert ended.value.code == 1
    assert f"{file}:{line} raised SystemExit: 0\n" in capfd.readouterr().err
