"""Run every benchmark and write what it prints to docs/benchmarks.md.

    python benchmarks/all.py [--root DIR] [--dvc PATH] [--device cpu|cuda] [--only NAME ...] [--most N]

Needs an otherwise idle machine, and with everything about an hour. With --only those sections are made anew and the
others of the page stay. What a peer is missing for is left out, and the section says so.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "benchmarks.md"

HEAD = """\
# Benchmarks

Written by `make bench`, section by section: what each program of `benchmarks/` printed; its first lines say what
exactly is measured. Every comparison is a ratio of figures from one run; medians, with the least and the most.
"""


@dataclass(frozen=True)
class Section:
    """A benchmark: its heading, what its table shows, its script and arguments."""

    title: str
    shows: str
    script: str
    arguments: tuple[str, ...] = ()
    threads: bool = False  # whether it may use all cores


def sections(options: argparse.Namespace) -> list[Section]:
    """Return all sections, in the page's order."""
    root = ("--root", str(options.root.resolve())) if options.root else ()
    dvc = ("--dvc", str(options.dvc.absolute())) if options.dvc else ()
    device = ("--device", options.device) if options.device != "cpu" else ()
    growth = (*dvc, "--most", str(options.most), "--plot", str(PAGE.with_name("noop.svg")))
    return [
        Section(
            "Encoding",
            "Images a second of the encode stage from end to end, beside the bare network on images that are ready, "
            "and beside the loops that one would write. *Limit*: the bare network, while it is the bottleneck; "
            "on a CPU that is ONNX Runtime's.",
            "encode",
            (*root, *device),
            threads=True,
        ),
        *([Section("Reading", "What the cores do for a device.", "reading", root, threads=True)] if root else []),
        Section("Decoding", "One video of ten minutes, on one core and on two.", "decode", threads=True),
        Section("Memory of encoding", "One video of 1 to 60 minutes.", "video_memory", threads=True),
        Section("Workers", "Encoding at a dask scheduler, a core for each worker.", "scheduler", root),
        Section(
            "Training",
            "Seconds an epoch of the DMFT teacher, beside a plain PyTorch loop with a DataLoader. The lines *our "
            "model* compare the loops alone; the others are the whole that one would write.",
            "training",
            (*root, *device),
        ),
        Section("Folds together", "`pipeline run --together 8` against one after another.", "folds", (*root, *device)),
        *([Section("The paper's Table 6", "Native widths, on a GPU.", "table6", device)] if device else []),
        Section(
            "Nothing to do",
            "`pipeline run` where everything is cached, and one changed parameter.",
            "noop",
            (*root, *dvc),
        ),
        Section("Nothing to do, growing", "![seconds by files and outputs](noop.svg)", "noop_growth", growth),
        Section("A million recordings", "Planning; see [scale.md](scale.md).", "scale"),
        Section("Many outputs", "A store that holds 10,000.", "many"),
        Section("Features", "Reads and writes of a store, beside raw files and HDF5.", "features", threads=True),
        Section(
            "Gramian angular fields",
            "Images a second, one channel each; the limit is filling the same output with a constant. It cannot be "
            "reached below 64 pixels, where reading and averaging a series costs more than writing its image, nor in "
            "uint8, where rounding a pixel costs more than writing it.",
            "gaf",
        ),
        Section(
            "Growing data",
            "One per cent more recordings. Series take no longer to encode than to copy.",
            "growing",
            root,
        ),
        Section(
            "Transfer",
            "Push and pull, beside a plain copy and DVC. We hash every byte and look at sizes afterwards; a plain copy "
            "does none of that. The server on this machine is the limit, and shares its cores.",
            "transfer",
            dvc,
            threads=True,
        ),
    ]


def main() -> None:
    """Run and write."""
    options = _options()
    every = sections(options)
    unknown = set(options.only) - {section.script for section in every}
    if unknown:
        sys.exit(f"--only: no benchmark {', '.join(sorted(unknown))}; there are {', '.join(s.script for s in every)}")
    page = _read()
    for section in every:
        if not options.only or section.script in options.only:
            page[section.title] = _run(section)
            _write(every, page)


def _run(section: Section) -> str:
    command = ["python", f"benchmarks/{section.script}.py", *section.arguments]
    print(f"=== {section.title}: {' '.join(command)}", file=sys.stderr, flush=True)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    if not section.threads:
        environment["OMP_NUM_THREADS"] = "1"
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command[1:]], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")
    table = "\n".join(f"    {line}".rstrip() for line in done.stdout.strip().splitlines())
    shown = " ".join([*([] if section.threads else ["OMP_NUM_THREADS=1"]), *map(_shown, command)])
    minutes = (time.monotonic() - started) / 60
    when = f"{time.strftime('%Y-%m-%d')}, {_machine()}, {minutes:.0f} min"
    return f"{section.shows}\n\n{table}\n\n`{shown}` ({when})\n"


def _shown(word: str) -> str:
    """Show no place of this machine."""
    return Path(word).name if word.startswith("/") else word


def _machine() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores of {model}"


def _read() -> dict[str, str]:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    parts = re.split(r"^## (.+)\n\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (part.strip() + "\n" for part in parts[1::2]), strict=True))


def _write(every: list[Section], page: dict[str, str]) -> None:
    found = [f"## {section.title}\n\n{page[section.title]}" for section in every if section.title in page]
    PAGE.write_text("\n".join([HEAD, *found]), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder; the sample where left out")
    parser.add_argument("--dvc", type=Path, help="the dvc program of another environment")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="for networks (default cpu)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="scripts to run, without .py")
    parser.add_argument("--most", type=int, default=100_000, help="files of the growing no-op (default 100,000)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
