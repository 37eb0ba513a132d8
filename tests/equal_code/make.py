"""Make the shipped table of equal code anew: ``make equal-code OLD=CHECKOUT``.

The earlier code runs the sample into a store of its own. Then the present code, without any table, has each entry of it
accepted: a shard of every modality and a step of every model are computed again and compared to the bit. Only when all
are equal is ``pipeline/plan/steps/equal_code.json`` written. What gives other values within a tolerance (`ROUNDED`) is
no part of the table, nor is what gives others on purpose (`CHANGED`): its outputs are stale until somebody accepts
that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pipeline.keys.code import CodeIndex
from pipeline.plan.steps.equal_code import TABLE, EqualCode

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRIES = ("index", "encode encode[skeleton]", "encode encode[inertial]")
LATER_ENTRIES = ("gaf", "teacher", "student", "vskd")  # with the earlier features
# Modules that give other values on purpose, and entries of the sample that are other for it: no part of the table.
CHANGED = (
    "pipeline.stages.evaluate",  # VSKD's F1 is of recall@1
    "trainers.evaluation.metrics",
    "trainers.losses.dmft_kd",  # comparable terms
    "trainers.losses.params.dmft_kd",
)
STALE_ENTRIES = ("distilled", "evaluate")
# Modules that recipes start from, whose values are others by rounding; the steps of the sample that show it; how far
# they are apart, as a part of an array's scale. Features are stored in half precision.
ROUNDED = {"pipeline.stages.encode.video.encoder": (("encode encode[rgb]", "encode encode[depth]"), "1e-3")}

# Prints the modules that recipes start from, by table and name, of any release.
ROOTS = """
import importlib, json
for name in ("pipeline.registry", "pipeline.names"):
    try:
        registry = importlib.import_module(name)
        break
    except ModuleNotFoundError:
        pass
tables = {name: getattr(registry, name) for name in ("SOURCES", "ENCODERS", "PRETRAINED", "MODELS", "LOSSES")}
roots = {f"{table} {name} {part}": getattr(entry, part)
         for table, entries in tables.items() for name, entry in entries.items() for part in ("params", "build")}
roots |= {f"STAGES {name}": stage.run for name, stage in registry.STAGES.items()}
print(json.dumps({what: reference.partition(":")[0] for what, reference in roots.items()}))
"""


def run(code: Path, *arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(code), "OMP_NUM_THREADS": "1", "PIPELINE_CACHE": str(cwd / "cache")}
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{code}: {' '.join(arguments)} ended with {done.returncode}; the table is left as it is")
    return done.stdout


def compared(old: Path, folder: Path) -> tuple[str, ...]:
    """Run the sample with the old code, have the present code accepted for it, and say what was compared."""
    stages = (old / "stages.yaml").read_text(encoding="utf-8")
    (folder / "stages.yaml").write_text(stages, encoding="utf-8")
    run(old, "-m", "pipeline", "run", cwd=folder)
    (folder / "stages.yaml").write_text(f"equal_code: refuse\n{stages}", encoding="utf-8")
    rounded = [(entry, tolerance) for entries, tolerance in ROUNDED.values() for entry in entries]
    for entry, tolerance in (*((each, "0") for each in ENTRIES), *rounded, *((each, "0") for each in LATER_ENTRIES)):
        command = ["-m", "pipeline", "accept", *entry.split(), "--tolerance", tolerance]
        print(run(REPOSITORY, *command, cwd=folder), end="")
    status: dict[str, Any] = json.loads(run(REPOSITORY, "-m", "pipeline", "status", "--json", cwd=folder))
    if stale := [
        step["id"] for step in status["steps"] if step["state"] != "cached" and step["entry"] not in STALE_ENTRIES
    ]:
        sys.exit(f"{', '.join(stale)}: not cached after all was accepted; the table is left as it is")
    accepted: dict[str, Any] = json.loads((folder / "stages.lock").read_text(encoding="utf-8"))["accepted"]
    equal = [each for each in accepted.values() if not any(each["difference"].values())]
    return tuple(sorted(f"the sample's {what}" for each in equal for what in each["checked"]))


def make_table(old: Path, checked: tuple[str, ...]) -> EqualCode:
    """Read both codes. Exits where something that a recipe can start from is there no more under its name."""
    with tempfile.TemporaryDirectory() as folder:
        before: dict[str, str] = json.loads(run(old, "-c", ROOTS, cwd=Path(folder)))
        now: dict[str, str] = json.loads(run(REPOSITORY, "-c", ROOTS, cwd=Path(folder)))
    if gone := sorted(before.keys() - now.keys()):
        sys.exit(f"{', '.join(gone)}: in the earlier registry and not in this one: nothing can stand for them")
    # for what is new, a source say, nothing can stand: its modules are no part of the table
    present = CodeIndex(REPOSITORY).closure(now[what] for what in before)
    return EqualCode(
        release=subprocess.check_output(["git", "describe", "--always"], cwd=old, text=True).strip(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        checked=checked,
        now={name: code for name, code in present.items() if name not in (*ROUNDED, *CHANGED)},
        earlier=CodeIndex(old).modules(before.values()),
        moved={now[what]: before[what] for what in sorted(before) if now[what] != before[what]},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path, help="a checkout of the code that made people's outputs")
    parser.add_argument("--unchecked", action="store_true", help="write the table without the proof, to try it")
    options = parser.parse_args()
    old: Path = options.old.resolve()
    with tempfile.TemporaryDirectory() as folder:
        checked = () if options.unchecked else compared(old, Path(folder))
    table = make_table(old, checked)
    before = old / TABLE.relative_to(
        REPOSITORY
    )  # what that release was equal to: its outputs have keys of even earlier ones
    tables = [table, *(msgspec.json.decode(before.read_bytes(), type=list[EqualCode]) if before.exists() else ())]
    TABLE.write_bytes(msgspec.json.format(msgspec.json.encode(tables, order="sorted"), indent=1) + b"\n")
    print(
        f"{TABLE.relative_to(REPOSITORY)}: {len(table.now)} modules stand for {len(table.earlier)} of {table.release}"
    )


if __name__ == "__main__":
    main()
