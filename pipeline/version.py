"""Which code this is: its version, and the commit that it was built from or is checked out at."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

DISTRIBUTION = "harvest-har"  # its name among Python packages, where `harvest` is another project
VERSION = "0.2.0.dev0"
PACKAGES = ("pipeline", "store", "trainers")

_HERE = Path(__file__).parent
_BUILT_FROM = _HERE / "commit.txt"  # of a wheel or an sdist: see setup.py
_DIGITS = 12
_GIT_S = 10.0


@cache
def commit() -> str:
    """Return the commit, with ``+dirty`` where files of the packages differ from it; empty where that is unknown."""
    if _BUILT_FROM.is_file():
        return _BUILT_FROM.read_text(encoding="ascii").strip()
    return commit_of(_HERE.parent)


def commit_of(folder: Path) -> str:
    """Return the commit of a checkout, as `commit` does; empty of a folder that is none, or without git."""
    if not (folder / ".git").exists():  # a folder around it may be somebody else's checkout
        return ""
    import subprocess

    told = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "--", *PACKAGES],
            env={**told, "GIT_OPTIONAL_LOCKS": "0"}, capture_output=True, text=True, timeout=_GIT_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = asked.stdout.splitlines()
    heads = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    if asked.returncode or not heads or not heads[0].isalnum():  # "(initial)" before the first commit
        return ""
    return heads[0][:_DIGITS] + ("+dirty" if any(not line.startswith("#") for line in lines) else "")


def full_version() -> str:
    """Return version and commit."""
    return f"{VERSION}, commit {commit() or 'unknown'}"


def version_text() -> str:
    """Return what ``pipeline --version`` prints: also where the packages are imported from, whose names are common."""
    lines = [
        f"{DISTRIBUTION} {full_version()}",
        f"{', '.join(PACKAGES)}: {_HERE.parent}",
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
    ]
    beside = (_HERE / "docs", _HERE.parent / "docs")  # in a wheel, in a checkout
    return "\n".join([*lines, *(f"docs: {folder}" for folder in beside if folder.is_dir())])
