"""UTD-MHAD as windows of two seconds: makes the folder that experiments/utd-mhad-windows.yaml reads.

    python benchmarks/utd_windows.py UTD_MHAD DIR

DIR gets links to the dataset's folders, and segments.csv: of each trial its label, from its first inertial sample to
its last.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from pipeline.sources.utd_mhad import CLASSES, UtdMhad  # noqa: E402


def main() -> None:
    """Link and write."""
    root, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Inertial", "Skeleton"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(root / name)
    source = UtdMhad(root)
    with (folder / "segments.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "subject", "session", "start", "end", "label"])
        for each in source.list().recordings:
            if {"inertial", "skeleton"} <= each.streams.keys():
                seconds = (len(source.open_series(each, "inertial").values) - 1) / 50
                number = CLASSES.index(each.action) + 1
                writer.writerow([number, each.subject, each.session, 0, round(seconds, 3), each.action])


if __name__ == "__main__":
    main()
