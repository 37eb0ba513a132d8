"""One long 1080p video, decoded by one core and by two.

    python benchmarks/decode.py [--minutes N] [--rounds N] [--work DIR]

An H.264 clip of a minute is repeated without encoding it again, and every frame is decoded and reduced to 224 pixels,
as the encode stage reads it, in a process that may use one core, then in one that may use two. Beside it PyAV alone,
with the decoder's own threads on two cores. Prints frames a second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

OURS = """
import os, sys, time
from pathlib import Path
os.sched_setaffinity(0, range(int(sys.argv[2])))
from pipeline.sources.formats.video import VideoFile
video = VideoFile(Path(sys.argv[1]), "r", "rgb", sys.argv[1])
started = time.perf_counter()
count = sum(1 for _ in video.frames(None, 224))
print(count / (time.perf_counter() - started))
"""
PYAV = """
import os, sys, time
os.sched_setaffinity(0, range(int(sys.argv[2])))
import av
started, count = time.perf_counter(), 0
with av.open(sys.argv[1]) as container:
    container.streams.video[0].thread_type = "AUTO"
    for frame in container.decode(video=0):
        count += len(frame.reformat(224, 224, "rgb24").to_ndarray()) > 0
print(count / (time.perf_counter() - started))
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    from benchmarks.encode import write_clip
    from benchmarks.video_memory import repeated

    ways = {"ours, one core": (OURS, 1), "ours, two cores": (OURS, 2), "PyAV, two cores": (PYAV, 2)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(dir=options.work) as temporary:
        folder = Path(temporary)
        write_clip(minute := folder / "minute.mp4", 60)
        file = repeated(minute, options.minutes, folder / "video.mp4")
        for number in range(options.rounds):
            for name, (code, cores) in ways.items():
                print(f"... round {number + 1} of {options.rounds}: {name}", file=sys.stderr, flush=True)
                rates[name].append(_rate(code, file, cores))
    print(f"{f'1080p, {options.minutes} minutes':<20} {'frames/s':>9} {'least':>8} {'most':>8} {'/one core':>10}")
    one = statistics.median(rates["ours, one core"])
    for name, found in rates.items():
        median = statistics.median(found)
        print(f"{name:<20} {median:9.1f} {min(found):8.1f} {max(found):8.1f} {median / one:10.2f}")
    print(f"medians of {options.rounds} rounds in turns; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _rate(code: str, file: Path, cores: int) -> float:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.pop("OMP_NUM_THREADS", None)  # the cores that the process may use count
    command = [sys.executable, "-c", code, str(file), str(cores)]
    return float(subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=10, help="length of the video (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="(default 3)")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
