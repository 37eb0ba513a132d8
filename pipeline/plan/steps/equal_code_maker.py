"""Writes the table of equal code: ``make equal-code OLD=DIR``.

Whoever runs it says that the present code gives the values of the release that is checked out in OLD. Tests compare
figures with those that the earlier code gave (tests/pipeline/plan/test_equal_code.py).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.errors import ConfigError
from pipeline.keys.code import CodeIndex
from pipeline.plan.steps.equal_code import TABLES, EarlierModule, EqualCode, read_tables
from store.canonical import digest

Roots = Mapping[str, Sequence[str]]  # "table name of an entry" -> the modules that it names

# Run beside a checkout, whose registries have other names in earlier releases.
_READ_ROOTS = """
import importlib.util, json
found = importlib.util.find_spec("pipeline.registry") is not None
names = importlib.import_module("pipeline.registry" if found else "pipeline.names")
tables = {"source": names.SOURCES, "encoder": names.ENCODERS, "pretrained": names.PRETRAINED, **names.TABLES}
roots = {f"stage {name}": [stage.run] for name, stage in names.STAGES.items()}
for table, entries in tables.items():
    roots |= {f"{table} {name}": [entry.params, entry.build] for name, entry in entries.items()}
print(json.dumps({name: [each.partition(":")[0] for each in references] for name, references in roots.items()}))
"""


def read_roots(checkout: Path) -> Roots:
    """Return the modules that a checkout's registries name; CalledProcessError where they cannot be imported."""
    process = subprocess.run(
        [sys.executable, "-c", _READ_ROOTS], cwd=checkout, env={"PYTHONPATH": str(checkout)}, stdout=-1, check=True
    )
    roots: Roots = json.loads(process.stdout)
    return roots


def match_roots(present: Roots, earlier: Roots) -> dict[str, str]:
    """Map the modules that registries name to those that they named earlier for the same entries.

    Raises
    ------
    ConfigError
        An entry is gone, or one module stands for two.
    """
    if gone := sorted(earlier.keys() - present.keys()):
        raise ConfigError(f"the registries no longer have: {', '.join(gone)}\n  put them back, or their keys are lost")
    roots: dict[str, str] = {}
    for name in sorted(earlier):
        for module, before in zip(present[name], earlier[name], strict=True):
            if roots.setdefault(module, before) != before:
                raise ConfigError(
                    f"{name}: {module} stands for {before} here, and for {roots[module]} elsewhere\n"
                    "  give each a module of its own, as it had"
                )
    return dict(sorted(roots.items()))


def make_table(old: Path, roots: Mapping[str, str], index: CodeIndex, changed: Sequence[str] = ()) -> EqualCode:
    """Compare the code of a checkout with the code as it is.

    Parameters
    ----------
    old
        The checkout of the earlier release.
    roots
        As `match_roots` gives them.
    index
        Knows the code as it is.
    changed
        Modules that change values on purpose: what reaches one of them has a new key.

    Raises
    ------
    ConfigError
        A root or a changed module is not there.
    """
    before = CodeIndex(old)
    closures = {side: index_.closure(index_.all_modules()) for side, index_ in (("now", index), ("earlier", before))}
    missing = {*roots, *changed} - closures["now"].keys() | {*roots.values()} - closures["earlier"].keys()
    if missing:
        raise ConfigError(f"there is no module {', '.join(sorted(missing))}\n  check the registries and --changed")
    version = tomllib.loads((old / "pyproject.toml").read_text())["project"]["version"]
    return EqualCode(
        release=f"{version}-{digest(closures['earlier'])[:12]}",
        roots=dict(roots),
        now={module: syntax for module, syntax in closures["now"].items() if module not in changed},
        earlier={
            module: EarlierModule(syntax, tuple(before.needs(module))) for module, syntax in closures["earlier"].items()
        },
        changed=tuple(sorted(changed)),
    )


def write_tables(tables: Sequence[EqualCode], path: Path) -> None:
    """Write tables, one line a list, so that differences read well."""
    text = msgspec.json.format(msgspec.json.encode(tables, order="sorted"), indent=1).decode()
    path.write_text(re.sub(r'\[\s+("[^\]]*")\s+\]', lambda names: "[" + " ".join(names[1].split()) + "]", text) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table that says what the present code is equal to, before those that the earlier release shipped."""
    parser = argparse.ArgumentParser(description="Note that this code gives the values of an earlier release.")
    parser.add_argument("old", type=Path, help="a checkout of the earlier release")
    parser.add_argument("--changed", action="append", default=[], help="a module that changes values on purpose")
    options = parser.parse_args(arguments)
    here = TABLES.parents[3]
    try:
        roots = match_roots(read_roots(here), read_roots(options.old.resolve()))
        table = make_table(options.old.resolve(), roots, CodeIndex(here), options.changed)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write_tables([table, *read_tables(options.old / TABLES.relative_to(here))], TABLES)
    print(f"{TABLES.relative_to(here)}: {len(table.now)} modules give the values of release {table.release}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
