"""Planning reads protocols and parameters; it must not pay for torch or numpy."""

import subprocess
import sys

LIGHT = (
    "trainers",
    "trainers.errors",
    "trainers.evaluation.protocols",
    "trainers.params",
    "trainers.models.registry",
    "trainers.models.dmft.params",
    "trainers.models.trn.params",
    "trainers.models.images.params",
    "trainers.models.cnn1d.params",
    "trainers.models.fusion.params",
    "trainers.models.keyless.params",
    "trainers.models.hamlet.params",
    "trainers.models.signals.params",
    "trainers.models.ridge.params",
    "trainers.models.rocket.params",
    "trainers.losses.registry",
    "trainers.losses.params",
)


def test_what_planning_reads_imports_neither_torch_nor_numpy() -> None:
    code = f"import sys, {', '.join(LIGHT)}; print(sorted(sys.modules.keys() & {{'torch', 'numpy'}}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
