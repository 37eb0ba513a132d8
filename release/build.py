"""Build an sdist, and from that a wheel, of what is committed: from a clean clone of it, without a network.

    python release/build.py [FOLDER]      # dist, where none is given; `make wheel`

The interpreter's own setuptools does it. The wheel is the same to the byte whenever it is built of a commit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
_HOOK = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


def build(out: Path) -> tuple[Path, Path]:
    """Write both into a folder; return the sdist's path and the wheel's."""
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("harvest_har-*.whl"), *out.glob("harvest_har-*.tar.gz")):
        old.unlink()
    with tempfile.TemporaryDirectory() as place:
        clone = clone_into(Path(place))
        seconds = _said("git", "-C", str(clone), "log", "-1", "--format=%ct")
        sdist = _hook("build_sdist", clone, out, seconds)
        with tarfile.open(sdist) as archive:
            archive.extractall(place, filter="data")
        wheel = _hook("build_wheel", Path(place) / sdist.name.removesuffix(".tar.gz"), out, seconds)
    return sdist, wheel


def clone_into(folder: Path) -> Path:
    """Clone what is committed here, and return the clone's folder."""
    clone = folder / "harvest"
    _said("git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(clone))
    return clone


def _hook(name: str, source: Path, out: Path, seconds: str) -> Path:
    """Call a hook of the build backend (PEP 517) in a folder, and return what it made."""
    made = Path(tempfile.mkdtemp(dir=source.parent))
    environment = {**_environment(), "SOURCE_DATE_EPOCH": seconds}
    done = subprocess.run(
        [sys.executable, "-c", _HOOK, name, str(made)],
        cwd=source, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, umask=0o022,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{done.stdout}\nrelease/build.py: {name} failed; it needs setuptools 77 or newer in {sys.executable}")
    (file,) = made.iterdir()
    return Path(shutil.copy(file, out))


def _said(*command: str) -> str:
    return subprocess.run(command, env=_environment(), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _environment() -> dict[str, str]:
    """Return this process's environment, but for what would lead git or Python elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHONPATH"))}


if __name__ == "__main__":
    for path in build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")):
        print(f"{path.stat().st_size / 1e6:.2f} MB  {path}")
