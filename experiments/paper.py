"""The tables of both papers: run each stages file of this folder, and write its results beside the published figures.

    make paper UTD_MHAD=DIR BERKELEY_MHAD=DIR            # all whose data are here, into docs/paper/
    python experiments/paper.py --utd-mhad DIR utd-mhad-dmft utd-mhad-dmft-tokens

A table that is there already costs seconds, as every step is cached; one that was stopped goes on. --seeds 0,1 does a
part of a long one. What needs a data set or weights that are not named is skipped, and says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
PAGES = HERE.parent / "docs" / "paper"
SOURCES = ("utd-mhad", "berkeley-mhad", "mmact")
WANT_GPU = ("utd-mhad-vskd-ablation",)  # ResNet18 at 224 px: days on two cores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="a stages file of this folder, without .yaml")
    for source in SOURCES:
        parser.add_argument(f"--{source}", metavar="DIR", help=f"where {source} is")
    parser.add_argument("--squeezenet", metavar="FILE", help="ImageNet weights of SqueezeNet 1.1, for depth")
    parser.add_argument("--store", metavar="URL", help="where outputs live (else .store beside the repository's files)")
    parser.add_argument("--seeds", help="some of the seeds: 0,1")
    options = parser.parse_args()
    known = sorted(path.stem for path in HERE.glob("*.yaml"))
    if unknown := [name for name in options.tables if name not in known]:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(known)}")
    failed = [name for name in options.tables or known if not made(name, options, named=bool(options.tables))]
    sys.exit(f"not made: {', '.join(failed)}" if failed else 0)


def made(name: str, options: argparse.Namespace, *, named: bool) -> bool:
    """Make one table; False where its run failed."""
    file = HERE / f"{name}.yaml"
    text = file.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    root, reason = where(values["source"], options)
    if root is None:
        pass
    elif name in WANT_GPU and not named:
        reason = "it wants a GPU; name it to run it all the same"
    elif "tune" in values and not named:
        reason = f"it is a search: pipeline tune -f experiments/{name}.yaml"
    elif wants_weights(values) and options.squeezenet is None:
        reason = "it needs weights for depth (--squeezenet FILE)"
    if reason or root is None:
        print(f"{name}: left out: {reason}", flush=True)
        return True
    settings = [f"source.root={root}"]
    if options.store:
        settings.append(f"store={options.store}")
    if options.seeds:
        settings.append(f"seeds=[{options.seeds}]")
    shown = []
    if wants_weights(values):
        shown = ["stages.encode.depth.backbone=squeezenet1_1", "stages.encode.depth.weights=FILE"]
        settings += [shown[0], f"stages.encode.depth.weights={Path(options.squeezenet).resolve()}"]
    common = ["-f", str(file), *(part for setting in settings for part in ("--set", setting))]
    program = [sys.executable, "-m", "pipeline"]
    print(f"{name}: runs", flush=True)
    began = time.monotonic()
    if subprocess.run([*program, "run", *common], check=False).returncode:
        return False
    took = time.monotonic() - began
    table = subprocess.check_output([*program, "results", *common, "--format", "markdown"], text=True)
    if "| --- |" not in table:  # the program was changed while it ran, so that its outputs are another one's
        print(f"{name}: there are no results of the program as it is now; run again", flush=True)
        return False
    write_page(name, text, table, shown, took if not options.seeds else 0)
    return True


def wants_weights(values: dict[str, Any]) -> bool:
    """Tell whether depth goes through a network."""
    depth = (values["stages"].get("encode") or {}).get("depth") or {}
    return "depth" in values["modalities"] and depth.get("reduce") != "motion-maps"


def where(source: dict[str, Any], options: argparse.Namespace) -> tuple[Path | None, str]:
    """Return the folder of a source's data, or why there is none; data sets that are joined lie in one."""
    parts = source.get("parts", {source["name"]: source})
    given = {part["name"]: getattr(options, part["name"].replace("-", "_"), None) for part in parts.values()}
    if lacking := next((name for name, root in given.items() if root is None), None):
        return None, f"{lacking} is not here (--{lacking} DIR)"
    roots = {Path(root).resolve() for root in given.values()}
    if source["name"] != "joined":
        return roots.pop(), ""
    above = {root.parent for root in roots}
    if {root.name for root in roots} != {part["folder"] for part in parts.values()} or len(above) > 1:
        return None, f"{' and '.join(part['folder'] for part in parts.values())} do not lie in one folder"
    return above.pop(), ""


def write_page(name: str, text: str, table: str, shown: list[str], took: float) -> None:
    """Write a table's page: what its stages file says of it, the command, the table; and how long it took at first."""
    page = PAGES / f"{name}.md"
    PAGES.mkdir(exist_ok=True)
    about = [line[1:].removeprefix(" ") for line in text.split("\nstore:")[0].splitlines() if line.startswith("#")]
    prose = " ".join(line for line in about if not line.startswith(" "))
    more = "".join(f" --set {setting}" for setting in shown)
    before = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    timed = next((line for line in before if line.startswith("Run for the first time")), "")
    if took > 120:  # seconds; less, and it was there already
        timed = f"Run for the first time in {took / 60:.0f} minutes, with what else this machine did."
    lines = [f"# {name}", "", prose, "", f"    pipeline run -f experiments/{name}.yaml --set source.root=DIR{more}", ""]
    lines += [table.rstrip(), "", *([timed] if timed else [])]
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"{name}: written to {page.relative_to(HERE.parent)}", flush=True)


if __name__ == "__main__":
    main()
