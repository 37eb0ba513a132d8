"""Encoding video from end to end, beside the bare network and the loops that one would write.

    python benchmarks/encode.py [--root DIR] [--device cpu|cuda] [--recordings N] [--repeat N] [--backbone NAME]
        [--size PIXELS] [--clips N]

Prints images a second of: the encode stage (the network built, converted and loaded; read, decode, pool, resize,
network, write; published output); *bare*, the network alone, on images that are ready, as fast as one gets it without
this program: on a CPU torchvision's, exported to ONNX by torch, in ONNX Runtime with its own settings and all cores, in
batches of 16 or 32, whichever is faster; *own*, the stage's network alone, with the same batch, precision and threads
(on a GPU, where images are in its memory, this is the bare one, too); the stage's reading alone (read, decode, pool,
resize), with the same threads; and the usual loop: one video at a time, decoded, its needed frames through
torchvision's transforms, windows averaged, all images of a video as one batch through the network with all threads. On
a GPU the lower of bare and reading is the limit; on a CPU they share the cores.

First real depth recordings (UTD-MHAD in --root; left out without it), then H.264 clips of 1920 x 1080 pixels that are
generated, through a light network, so that decoding dominates. There the usual loop is tried with PyAV (with its
decoder's threads) and with OpenCV, where it is installed. Hugging Face datasets' `map`, where it is installed, runs the
usual loop in a process a core, one thread each, and writes Arrow files; starting the processes is left out. On a GPU
all networks compute in bf16. Ours is measured in pieces, and the others between them, so
that what else the machine does weighs on all alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGES, FRAMES = 20, 60  # of a recording: windows, and the frames that these need


@dataclass(frozen=True)
class Case:
    """A kind of video: its source and modality, and how usual loops get a recording's frames, (C, H, W) in 0..1."""

    name: str
    source: Any
    modality: str
    backbone: str
    size: int
    pieces: Sequence[Sequence[Any]]
    loops: dict[str, Callable[[Path], Any]]


def main() -> None:
    """Measure and print."""
    options = _options()
    print(
        f"{'images a second':<34} {'ours':>8} {'bare':>8} {'own':>8} {'reading':>8} {'usual':>8}"
        f" {'ours/bare':>10} {'ours/reading':>13} {'ours/usual':>11}"
    )
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        for case in _cases(options, Path(folder)):
            _measure(case, Path(folder), options.device)
    import torch

    load = os.getloadavg()[0]
    print(f"medians of pieces (least to most); torch {torch.__version__}, {os.cpu_count()} cores, load {load:.1f}")


def _measure(case: Case, folder: Path, device: str) -> None:
    import torch

    from pipeline.cores import cores
    from pipeline.stages.encode.video.params import VideoParams

    precision = "bf16" if device == "cuda" else "fp32"
    params = VideoParams(backbone=case.backbone, weights="none", image_size=case.size, precision=precision)
    mapped = ["datasets map"] if device == "cpu" and importlib.util.find_spec("datasets") else []
    rates: dict[str, list[float]] = {name: [] for name in ("ours", "bare", "own", "reading", *case.loops, *mapped)}
    network = _usual_network(params).to(device)
    exported = _exported(network, case, folder) if device == "cpu" else None
    for number, piece in enumerate(case.pieces):
        print(f"... {case.name}: piece {number + 1} of {len(case.pieces)}", file=sys.stderr, flush=True)
        images, seconds, encoder = _ours(case, params, piece, folder / f"{case.name}-{number}", device)
        rates["ours"].append(images / seconds)
        rates["own"].append(_own(encoder._backbone, case.size, images // 2, cores()))
        bare = rates["own"][-1] if exported is None else _bare(exported, case.size, images // 2, cores())
        rates["bare"].append(bare)
        rates["reading"].append(_reading(encoder, piece, cores()))
        torch.set_num_threads(cores())
        few = piece[: max(1, min(50, len(piece) // 4))]
        for name, load in case.loops.items():
            rates[name].append(_usual(case, few, load, network, device))
        torch.set_num_threads(1)
        for name in mapped:
            rates[name].append(_mapped(case, few, next(iter(case.loops.values())), network, cores()))
    ours, bare, own, reading = (statistics.median(rates[name]) for name in ("ours", "bare", "own", "reading"))
    for name in (*case.loops, *mapped):
        usual = statistics.median(rates[name])
        title = f"{case.name}, {case.backbone}, {name}"
        print(
            f"{title:<34} {ours:8.1f} {bare:8.1f} {own:8.1f} {reading:8.1f} {usual:8.1f}"
            f" {ours / bare:10.2f} {ours / reading:13.2f} {ours / usual:11.2f}",
            flush=True,
        )
    print("    " + ", ".join(f"{name} {min(found):.1f} to {max(found):.1f}" for name, found in rates.items()))


def _ours(case: Case, params: Any, piece: Sequence[Any], folder: Path, device: str) -> tuple[int, float, Any]:
    """Encode recordings into a store of their own; return images, seconds, and encoder.

    The cache folder is a new one, so that the seconds have all that a first run does.
    """
    import torch

    from pipeline.stages.encode.encoder import EncodeTask
    from pipeline.stages.encode.shards import EncodeShards
    from pipeline.stages.encode.video.encoder import VideoEncoder
    from pipeline.stages.sharded import run_sharded
    from store import Store

    built: list[VideoEncoder] = []

    def build(*args: Any) -> VideoEncoder:
        built.append(VideoEncoder(*args))
        return built[0]

    with Store.open(str(folder)).draft("encode", "0" * 64, recipe={}, inputs=[]) as draft:
        task = EncodeTask(
            case.modality, case.source.modalities[case.modality], case.source, piece, {}, True, torch.device(device)
        )
        os.environ["PIPELINE_CACHE"] = str(folder / "cache")
        started = time.perf_counter()
        step = EncodeShards(task, params, build, draft, progress=lambda done, total: None)
        left = run_sharded(step)
        draft.publish(left)
        seconds = time.perf_counter() - started
    print(f"    {left['timings']}", file=sys.stderr)
    return left["images"], seconds, built[0]


def _exported(network: Any, case: Case, folder: Path) -> Path:
    """Export the usual loop's network as a user of torch would."""
    import torch

    path = folder / f"{case.name}.onnx"
    images = torch.rand(2, 3, case.size, case.size)
    newer = importlib.util.find_spec("onnxscript") is not None  # what torch's newer exporter needs
    names = {"input_names": ["images"], "output_names": ["features"]}
    if newer:
        batches = {"dynamic_shapes": ({0: torch.export.Dim("batch", min=1, max=512)},), "dynamo": True}
    else:
        batches = {"dynamic_axes": {"images": {0: "batch"}, "features": {0: "batch"}}, "dynamo": False}
    torch.onnx.export(network, (images,), str(path), **names, **batches)
    return path


def _bare(exported: Path, size: int, images: int, threads: int) -> float:
    """Return images a second of ONNX Runtime's own way to compute an exported network: the faster batch of two."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])
    best = 0.0
    for batch in (16, 32):
        ready = {"images": np.random.default_rng(0).random((batch, 3, size, size), np.float32)}
        session.run(None, ready)
        batches = max(2, images // 2 // batch)
        started = time.perf_counter()
        for _ in range(batches):
            session.run(None, ready)
        best = max(best, batches * batch / (time.perf_counter() - started))
    return best


def _own(backbone: Any, size: int, images: int, threads: int) -> float:
    """Return images a second of the stage's own network on images that are there."""
    import torch

    from pipeline.stages.encode.timings import Timings
    from pipeline.stages.encode.video.inference import open_inference

    with open_inference(backbone, size, threads, Timings()) as network:
        ready = [torch.rand(network.batch, 1, size, size, device=backbone.device)]
        for batch in [network.submit(ready) for _ in range(network.at_once)]:
            batch.result()
        batches = max(20 if backbone.device.type == "cuda" else 2 * network.at_once, images // network.batch)
        started = time.perf_counter()
        for batch in [network.submit(ready) for _ in range(batches)]:
            batch.result()
        return batches * network.batch / (time.perf_counter() - started)


def _reading(encoder: Any, piece: Sequence[Any], threads: int) -> float:
    """Return images a second of the stage's own reading, which nothing holds up: on a CPU images, else their frames."""
    import torch

    from pipeline.stages.encode.prefetch import PrefetchError, read_ahead
    from pipeline.stages.encode.video.encoder import AHEAD
    from pipeline.stages.encode.video.frames import Images
    from pipeline.stages.encode.video.reading import FrameBlock

    torch.set_num_threads(1)
    images, started = 0.0, time.perf_counter()
    for _, item in read_ahead(encoder._tasks([piece]), threads=threads, items=AHEAD):
        if isinstance(item, PrefetchError):
            raise item.error
        if isinstance(item, FrameBlock):
            images += len(item.frames) * IMAGES / FRAMES
        elif isinstance(item, Images):
            images += len(item)
    if encoder._task.device.type == "cuda":
        torch.cuda.synchronize()
    return images / (time.perf_counter() - started)


def _usual_network(params: Any) -> Any:
    import torch
    import torchvision

    network = torchvision.models.get_model(params.backbone, weights=None).eval()
    if hasattr(network, "fc"):
        network.fc = torch.nn.Identity()
        return network.to(memory_format=torch.channels_last)
    body = torch.nn.Sequential(network.features, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    return body.to(memory_format=torch.channels_last)


def _usual(case: Case, piece: Sequence[Any], load: Callable[[Path], Any], network: Any, device: str) -> float:
    """Return images a second of the usual loop."""
    started = time.perf_counter()
    images = sum(len(_video(case, recording, load, network, device)) for recording in piece)
    return images / (time.perf_counter() - started)


def _video(case: Case, recording: Any, load: Callable[[Path], Any], network: Any, device: str) -> Any:
    """Return a video's features as one would compute them."""
    import torch
    from torchvision.transforms import v2

    resize = v2.Resize((case.size, case.size), antialias=True)
    normalise = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    frames = [resize(frame) for frame in load(case.source.root / recording.streams[case.modality][0])]
    pooled = normalise(torch.stack(frames).unflatten(0, (-1, 3)).mean(1).expand(-1, 3, -1, -1))
    half = torch.autocast(device, torch.bfloat16, enabled=device == "cuda")
    with torch.inference_mode(), half:
        found = network(pooled.to(device).contiguous(memory_format=torch.channels_last))
        return found.float().cpu().numpy()


def _mapped(case: Case, piece: Sequence[Any], load: Callable[[Path], Any], network: Any, processes: int) -> float:
    """Return images a second of `datasets.Dataset.map`, from the first video begun to the last one done."""
    import datasets
    import numpy as np

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        began = time.time()
        features = _video(case, piece[row["number"]], load, network, "cpu")
        return {"features": features.astype(np.float16), "began": began, "ended": time.time()}

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as folder:
        rows = datasets.Dataset.from_dict({"number": list(range(len(piece)))})
        done = rows.map(
            encode,
            num_proc=min(processes, len(piece)),
            cache_file_name=f"{folder}/features.arrow",
            new_fingerprint=os.urandom(8).hex(),
        )
        images = sum(len(features) for features in done["features"])
        return images / (max(done["ended"]) - min(done["began"]))


def _cases(options: argparse.Namespace, folder: Path) -> Iterator[Case]:
    import msgspec

    if options.root:
        from pipeline.sources.utd_mhad import UtdMhad

        source = UtdMhad(options.root.expanduser().resolve())
        rows = [row for row in source.list().recordings if "depth" in row.streams][: options.recordings]
        rows = [msgspec.structs.replace(row, id=f"{row.id}-{turn}") for turn in range(options.repeat) for row in rows]
        size = 50 * options.repeat
        pieces = [rows[at : at + size] for at in range(0, len(rows), size)]
        yield Case("depth", source, "depth", options.backbone, options.size, pieces, {"usual": _depth})
    else:
        print("depth recordings are left out: give --root")
    if not options.clips:
        return
    from pipeline.sources.utd_mhad import UtdMhad

    _clips(folder / "clips" / "RGB", options.clips, options.seconds)
    source = UtdMhad(folder / "clips")
    rows = list(source.list().recordings)
    loops = {"PyAV": _with_pyav, **({"OpenCV": _with_opencv} if importlib.util.find_spec("cv2") else {})}
    yield Case("1080p", source, "rgb", "squeezenet1_1", 64, [rows] * 3, loops)


def _needed(length: int) -> list[int]:
    return [int(i * (length - 1) / (FRAMES - 1) + 0.5) for i in range(FRAMES)]


def _depth(path: Path) -> Iterator[Any]:
    import torch
    from scipy.io import loadmat

    values = loadmat(path)["d_depth"]
    for number in _needed(values.shape[2]):
        frame = torch.from_numpy(values[:, :, number].astype("float32"))
        yield ((frame - 500) / 4000).clamp(0, 1)[None]


def _with_pyav(path: Path) -> Iterator[Any]:
    import av
    import torch

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        wanted = set(_needed(stream.frames))
        for number, frame in enumerate(container.decode(stream)):
            if number in wanted:
                yield torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1).float() / 255


def _with_opencv(path: Path) -> Iterator[Any]:
    import cv2
    import torch

    video = cv2.VideoCapture(str(path))
    wanted = set(_needed(int(video.get(cv2.CAP_PROP_FRAME_COUNT))))
    for number in range(max(wanted) + 1):
        if not video.grab():
            break
        if number in wanted:
            frame = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
            yield torch.from_numpy(frame).permute(2, 0, 1).float() / 255


def _clips(folder: Path, count: int, seconds: int) -> None:
    folder.mkdir(parents=True)
    for clip in range(count):
        print(f"... making clip {clip + 1} of {count}", file=sys.stderr, flush=True)
        write_clip(folder / f"a1_s1_t{clip + 1}_color.mp4", seconds, seed=clip)
        os.replace(folder / f"a1_s1_t{clip + 1}_color.mp4", folder / f"a1_s1_t{clip + 1}_color.avi")


def write_clip(path: Path, seconds: int, seed: int = 0) -> None:
    """Write a clip of a moving, noisy picture of 1920 x 1080 pixels in H.264, with x264's own settings."""
    import av
    import numpy as np

    rng = np.random.default_rng(seed)
    base = np.kron(rng.integers(0, 255, (34, 75, 3)), np.ones((40, 40, 1))).astype(np.int16)[:, :2520]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(30 * seconds):
            at = 4 * (number + seed) % 600
            picture = base[:1080, at : at + 1920] + rng.integers(-8, 9, (1080, 1920, 1), np.int8)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="UTD-MHAD's folder")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where networks run (default cpu)")
    parser.add_argument("--recordings", type=int, default=200, help="depth recordings (default 200)")
    parser.add_argument("--repeat", type=int, default=1, help="each that often: a GPU is done with 200 in a second")
    parser.add_argument("--backbone", default="resnet50", help="for depth (default resnet50)")
    parser.add_argument("--size", type=int, default=224, help="image size for depth (default 224)")
    parser.add_argument("--clips", type=int, default=4, help="1080p clips (default 4; 0 leaves them out)")
    parser.add_argument("--seconds", type=int, default=10, help="length of a clip (default 10)")
    parser.add_argument("--work", type=Path, help="where the temporary folder is made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))
    main()
