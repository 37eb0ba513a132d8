"""The closure: every module that a step's own modules reach within the scope, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.keys.code import CodeIndex


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))


def write(root: Path, **modules: str) -> Path:
    """Write modules, named with two underscores for each dot; a name that ends so is a package."""
    for name, source in modules.items():
        path = root.joinpath(*name.strip("_").split("__"))
        path = path / "__init__.py" if name.endswith("__") else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


def closure(root: Path, *names: str) -> set[str]:
    return set(CodeIndex(root).closure(names))


@pytest.mark.parametrize(
    "statement",
    [
        "import trainers.a.deep",
        "import trainers.a.deep as d",
        "import os, trainers.a.deep",
        "from trainers.a import deep",
        "from trainers.a import deep as d",
        "from trainers.a.deep import thing",
        "from trainers.a.deep import *",
        "from .a import deep",
        "from .a.deep import thing",
        "def f():\n    from trainers.a import deep",
        "class A:\n    def f(self):\n        from .a.deep import thing",
        "try:\n    from trainers.a import deep\nexcept ImportError:\n    pass",
        "if TYPE_CHECKING:\n    import x\nelse:\n    from .a import deep",
    ],
)
def test_every_form_of_import_is_followed(tmp_path: Path, statement: str) -> None:
    root = write(tmp_path, trainers__="", trainers__top=statement, trainers__a__="", trainers__a__deep="x = 1")
    assert closure(root, "trainers.top") == {"trainers", "trainers.top", "trainers.a", "trainers.a.deep"}


@pytest.mark.parametrize(
    ("statement", "reached"),
    [
        ("from . import near", {"trainers.a.near"}),
        ("from .near import x", {"trainers.a.near"}),
        ("from .. import far", {"trainers.far"}),
        ("from ..far import x", {"trainers.far"}),
        ("from ... import outside", set()),
        ("from .....x import y", set()),
        ("import store, numpy, pipeline.keys.code", set()),
        ("from pipeline import errors", set()),
        ("from pipeline.stages import index", {"pipeline.stages", "pipeline.stages.index"}),
        ("import trainersque", set()),
        ("if TYPE_CHECKING:\n    from trainers import far", set()),
        ("if typing.TYPE_CHECKING:\n    from trainers import far", set()),
    ],
)
def test_relative_imports_and_the_scope(tmp_path: Path, statement: str, reached: set[str]) -> None:
    root = write(
        tmp_path,
        trainers__="", trainers__far="x = 1", trainers__a__="", trainers__a__mod=statement, trainers__a__near="x = 1",
        trainersque="", pipeline__="", pipeline__errors="", pipeline__keys__code="", pipeline__stages__="",
        pipeline__stages__index="", store__="",
    )  # fmt: skip
    assert closure(root, "trainers.a.mod") == {"trainers", "trainers.a", "trainers.a.mod"} | reached


def test_a_packages_own_relative_imports(tmp_path: Path) -> None:
    root = write(
        tmp_path, trainers__="", trainers__a__="from .inner import x", trainers__a__inner="from . import other"
    )
    write(root, trainers__a__other="x = 1", trainers__other="x = 2")
    assert closure(root, "trainers.a.inner") == {"trainers", "trainers.a", "trainers.a.inner", "trainers.a.other"}


def test_cycles_end(tmp_path: Path) -> None:
    root = write(tmp_path, trainers__="", trainers__a="from trainers import b", trainers__b="from trainers import a")
    assert closure(root, "trainers.a") == closure(root, "trainers.b") == {"trainers", "trainers.a", "trainers.b"}


def test_what_is_remembered_is_by_content(tmp_path: Path) -> None:
    root = write(tmp_path, trainers__="", trainers__a="x = 1", trainers__b="x = 1")
    first = CodeIndex(root)
    before = first.closure(["trainers.a"])
    first.save()
    write(root, trainers__a="from . import b  # now")
    after = CodeIndex(root).closure(["trainers.a"])
    assert set(after) == {"trainers", "trainers.a", "trainers.b"}
    assert after["trainers.a"] != before["trainers.a"]
    write(root, trainers__a="x = (1)  # as it was")
    assert CodeIndex(root).closure(["trainers.a"]) == before


def test_a_module_that_becomes_a_package_reaches_what_its_imports_then_mean(tmp_path: Path) -> None:
    """The very source means other modules there; the closure of the earlier module was remembered for it."""
    source = "from .b import x"
    root = write(tmp_path, trainers__="", trainers__a=source, trainers__b="x = 1", trainers__a__b="x = 2")
    index = CodeIndex(root)
    assert set(index.closure(["trainers.a"])) == {"trainers", "trainers.a", "trainers.b"}
    index.save()
    (root / "trainers" / "a.py").unlink()
    write(root, trainers__a__=source)
    assert closure(root, "trainers.a") == {"trainers", "trainers.a", "trainers.a.b"}


def test_a_package_beside_a_module_of_its_name_is_named(tmp_path: Path) -> None:
    """Python imports the package; keys hashed the module, and every run ended with a change that nobody had made."""
    root = write(tmp_path, trainers__="", trainers__a="from trainers import b", trainers__b="x = 1", trainers__b__="")
    with pytest.raises(ConfigError) as error:
        closure(root, "trainers.a")
    folder = root / "trainers" / "b"
    assert str(error.value) == (
        f"{folder}.py: the package {folder} is there, too, and Python imports that\n"
        f"  remove {folder}.py, or the folder {folder} if the file is meant"
    )
    (folder / "__init__.py").unlink()  # a folder alone does not hide a module
    assert closure(root, "trainers.a") == {"trainers", "trainers.a", "trainers.b"}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff\xfe", b'{"a": 1}'])
def test_a_damaged_cache_costs_only_time(tmp_path: Path, damage: bytes) -> None:
    root = write(tmp_path, trainers__="", trainers__a="x = 1")
    index = CodeIndex(root)
    before = index.closure(["trainers.a"])
    index.save()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(damage)
    assert CodeIndex(root).closure(["trainers.a"]) == before


@pytest.mark.parametrize(("source", "line"), [("x = 1\nx = (", ":2"), ("x = '\0'", "")])
def test_broken_python_is_named(tmp_path: Path, source: str, line: str) -> None:
    root = write(tmp_path, trainers__="", trainers__mine=source)
    with pytest.raises(ConfigError, match=rf"mine\.py{line}: not valid Python"):
        closure(root, "trainers.mine")
