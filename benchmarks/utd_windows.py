"""UTD-MHAD as windows of two seconds: makes the folder that experiments/utd-mhad-windows.yaml reads.

    python benchmarks/utd_windows.py UTD_MHAD DIR

DIR gets links to the dataset's folders, and segments.csv: of each trial its label, as long as both of its
sensors have samples.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from pipeline.sources.utd_mhad import CLASSES, UtdMhad  # noqa: E402

RATES = {"inertial": 50, "skeleton": 30}


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
            if RATES.keys() <= each.streams.keys():
                lengths = {stream: len(source.open_series(each, stream).values) for stream in RATES}
                seconds = min((length - 1) / RATES[stream] for stream, length in lengths.items())
                number = CLASSES.index(each.action) + 1
                writer.writerow([number, each.subject, each.session, 0, round(seconds, 3), each.action])


if __name__ == "__main__":
    main()
