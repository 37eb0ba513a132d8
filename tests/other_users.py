"""Being other users than the tester's: the interpreter and the packages that they can reach."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig

import pytest

SOMEBODY = 23_499


def packages() -> list[str]:
    """Return where the packages of this interpreter lie, for ``PYTHONPATH``."""
    return [path for path in sys.path if path.endswith("site-packages")] or site.getsitepackages()


@pytest.fixture(scope="session")
def python() -> str:
    """An interpreter that any user may start; pytest's own may lie in root's home."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for each in (sys.executable, sysconfig.get_config_var("BINDIR") + f"/{version}", f"/usr/bin/{version}"):
        try:
            done = subprocess.run(
                [each, "-c", "import torch"], user=SOMEBODY, group=SOMEBODY, extra_groups=[], check=False,
                capture_output=True, env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(packages())}, cwd="/",
            )  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0:
            return each
    pytest.skip(f"no {version} that other users than root may run, with torch")
