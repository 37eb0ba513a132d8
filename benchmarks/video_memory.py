"""Peak memory of encoding one 1080p video, from one minute to an hour.

    python benchmarks/video_memory.py [--minutes LIST] [--work DIR]

An H.264 clip of a minute is repeated without encoding it again. Each length is encoded in a process of its own, through
SqueezeNet at 64 pixels: with 20 windows of one second spread over the video, and with windows of a second one after
the other, so that every frame is decoded. Prints MiB and seconds; the first line is a process that has loaded the
program and its network, and encoded one window.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

CHILD = """
import sys, time
from pathlib import Path
import torch
from pipeline.sources.base import Modality, Recording
from pipeline.sources.formats.video import VideoFile
from pipeline.stages.encode.encoder import EncodeTask
from pipeline.stages.encode.video.encoder import VideoEncoder
from pipeline.stages.encode.video.params import VideoParams

class Source:
    def open_video(self, recording, stream):
        return VideoFile(Path(sys.argv[1]), recording.id, stream, sys.argv[1])

params = VideoParams(
    backbone="squeezenet1_1", weights="none", image_size=64, window=1, stride=1, unit="seconds",
    align=sys.argv[2], patches=int(sys.argv[3]),
)
recording = Recording("r", "1", "walk", "1", streams={"rgb": (sys.argv[1],)})
modality = Modality("video", ("rgb",), 30.0)
task = EncodeTask("rgb", modality, Source(), [recording], {}, True, torch.device("cpu"))
encoder = VideoEncoder(params, task)
started = time.perf_counter()
(encoded,) = encoder.encode([[recording]], lambda: None)
assert encoded.valid.all()
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
print(peak, time.perf_counter() - started)
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    from benchmarks.encode import write_clip

    print(f"{'1080p, minutes':<16} {'MB':>7} {'20 windows, MiB':>16} {'s':>7} {'every frame, MiB':>17} {'s':>7}")
    with tempfile.TemporaryDirectory(dir=options.work) as temporary:
        folder = Path(temporary)
        write_clip(minute := folder / "minute.mp4", 60)
        write_clip(second := folder / "second.mp4", 2)
        for minutes in (0, *options.minutes):
            file = repeated(minute, minutes, folder / f"{minutes}.mp4") if minutes else second
            few = _peak(file, "spread", 20 if minutes else 1)
            every = _peak(file, "pad", 60 * minutes or 1)
            size = file.stat().st_size / 1e6
            print(
                f"{minutes:<16} {size:7.0f} {few[0]:16.0f} {few[1]:7.1f} {every[0]:17.0f} {every[1]:7.1f}", flush=True
            )
            if minutes:
                file.unlink()
    print(f"peak resident memory of whole processes; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def repeated(minute: Path, times: int, to: Path) -> Path:
    """Write a video's packets several times after each other."""
    import av

    with av.open(str(to), "w") as out:
        stream = None
        for number in range(times):
            with av.open(str(minute)) as source:
                video = source.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                assert video.time_base is not None
                shift = round(60 * number / video.time_base)
                for packet in source.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
                    packet.stream = stream
                    out.mux(packet)
    return to


def _peak(file: Path, align: str, patches: int) -> tuple[float, float]:
    print(f"... {file.name}, {align}", file=sys.stderr, flush=True)
    found = subprocess.run(
        [sys.executable, "-c", CHILD, str(file), align, str(patches)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        sys.exit(found.stderr)
    memory, seconds = map(float, found.stdout.split())
    return memory, seconds


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10, 60], help="lengths (default 1 10 60)")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
