"""Which code of a plug-in is part of keys, and how equal code of an earlier release goes with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.keys.code import CodeIndex, Module
from pipeline.keys.plugin_code import folder_of, module_of_file, source_file
from pipeline.lock import Accepted
from pipeline.plan.steps.code_resolver import CodeResolver
from pipeline.plan.steps.equal_code import EqualCode
from store.canonical import digest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files beside a stages file, and a package on the path."""
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    files = {
        "beside/mine.py": "from .near import x\nimport numpy\nimport json, herd.far\nfrom trainers.data import batch\n",
        "beside/near.py": "import beside\n",
        "beside/far.py": "",
        "beside/__init__.py": "1 / 0\n",
        "site/herd/__init__.py": "",
        "site/herd/a.py": "from . import b\nfrom herd.deep.c import d\nimport pipeline.errors\nimport flock\n",
        "site/herd/b.py": "if TYPE_CHECKING:\n    from . import unused\n",
        "site/herd/deep/__init__.py": "",
        "site/herd/deep/c.py": "def f():\n    from .. import late\n",
        "site/herd/late.py": "",
        "site/herd/unused.py": "",
        "site/flock.py": "import herd\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "beside"


def test_a_file_reaches_files_of_its_folder_and_code_of_ours(folder: Path) -> None:
    reached = CodeIndex(folder=folder).closure(["file:.mine"])
    ours = {name for name in reached if name.startswith("trainers")}
    assert {*reached} - ours == {"file:.mine", "file:.near"}
    assert ours == {*CodeIndex().closure(["trainers.data.batch"])}
    assert CodeIndex(folder=folder).closure(["file:.none"]) == {}


def test_a_module_reaches_its_own_package_and_code_of_ours(folder: Path) -> None:
    index = CodeIndex(folder=folder)
    assert {*index.closure(["herd.a"])} == {"herd", "herd.a", "herd.b", "herd.deep", "herd.deep.c", "herd.late"}
    assert {*index.closure(["flock"])} == {"flock"}
    assert index.closure(["nosuchpackage.a"]) == {}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0\\"), min_size=1), max_size=3))
def test_every_folder_has_its_name(parts: list[str]) -> None:
    """In which no dot stands for anything but the next module, and from which the file is known again."""
    import posixpath

    parts = [part for part in parts if posixpath.normpath(f"x/{part}") == f"x/{part}"]
    path = "/".join([*parts, "mine.py"])
    module = module_of_file(path)
    assert module.count(".") == 1
    assert source_file(module) == path
    assert folder_of(module.partition(".")[0], "/home/ada") == "/".join(["/home/ada", *parts])


class TestEqualCode:
    """A plug-in's steps stay cached, too, over a release that moved code without changing a value."""

    NOW = "trainers.data.batch"

    def table(self, folder: Path, **changes: str) -> EqualCode:
        ours = CodeIndex().closure([self.NOW])
        earlier = {"trainers": Module("0" * 64, ()), "trainers.batches": Module("1" * 64, ())}
        return EqualCode("0.9", "2026", ("all",), {**ours, **changes}, earlier, {self.NOW: "trainers.batches"})

    def resolve(self, folder: Path, table: EqualCode, accepted: dict[str, Accepted] | None = None) -> dict[str, str]:
        resolver = CodeResolver(CodeIndex(folder=folder), accepted or {}, [table])
        return dict(resolver.resolve(["file:.mine"]).recipe)

    def test_ours_is_followed_and_the_plug_ins_stays(self, folder: Path) -> None:
        present = CodeIndex(folder=folder).closure(["file:.mine"])
        own = {name: present[name] for name in ("file:.mine", "file:.near")}
        earlier = {"trainers": "0" * 64, "trainers.batches": "1" * 64}
        assert self.resolve(folder, self.table(folder)) == {**own, **earlier}
        assert self.resolve(folder, self.table(folder, trainers="2" * 64)) == present
        first = Accepted("x", (), {"file:.mine": "3" * 64}, "ada", "2026", {}, 0.0)
        assert self.resolve(folder, self.table(folder), {digest({**own, **earlier}): first}) == first.code
        assert self.resolve(folder, self.table(folder), {digest(present): first}) == first.code
