"""Being other users than the tester's: the interpreter and the packages that they can reach."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
from typing import NamedTuple

import pytest

SOMEBODY = 23_499
ABOVE_PERMISSIONS = "-dac_override,-dac_read_search,-fowner"  # what root may do and nobody else


def obeying_permissions() -> list[str]:
    """Return what a command begins with for permissions to hold for it, whoever runs the tests."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv, and permissions do not hold for root")
    return ["setpriv", "--bounding-set", ABOVE_PERMISSIONS]


class Python(NamedTuple):
    """An interpreter, and where its packages lie."""

    path: str
    packages: tuple[str, ...]


@pytest.fixture(scope="session")
def python() -> Python:
    """An interpreter that any user may start; pytest's own may lie in root's home."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    packages = tuple(path for path in sys.path if path.endswith("site-packages")) or (*site.getsitepackages(),)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for each in (sys.executable, sysconfig.get_config_var("BINDIR") + f"/{version}", f"/usr/bin/{version}"):
        try:
            done = subprocess.run(
                [each, "-c", "import torch"], user=SOMEBODY, group=SOMEBODY, extra_groups=[], check=False,
                capture_output=True, env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(packages)}, cwd="/",
            )  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0:
            return Python(each, packages)
    pytest.skip(f"no {version} that other users than root may run, with torch")
