"""What pyproject.toml cannot say of a build: the commit is written beside the packages, and the docs' pages with them.

A wheel is built from a checkout, or from an sdist, which has the commit from the checkout it was built from.
"""

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

_MADE = shutil.ignore_patterns("_*", "*.pyc")  # from pages, by other programs
HERE = Path(__file__).resolve().parent
commit = runpy.run_path(str(HERE / "pipeline" / "version.py"))["commit"]


class BuildWithCommit(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # in which the checkout itself is what runs
            package = Path(self.build_lib) / "pipeline"
            (package / "commit.txt").write_text(f"{commit()}\n", encoding="ascii")
            shutil.copytree(HERE / "docs", package / "docs", ignore=_MADE, dirs_exist_ok=True)


class SdistWithCommit(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        (Path(base_dir) / "pipeline" / "commit.txt").write_text(f"{commit()}\n", encoding="ascii")


setup(cmdclass={"build_py": BuildWithCommit, "sdist": SdistWithCommit})
