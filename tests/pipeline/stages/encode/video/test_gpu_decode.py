"""Videos decoded by a GPU give the cores' frames; what it does not decode, the cores do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from pipeline.errors import BadRecording
from pipeline.sources.base import Modality
from pipeline.sources.formats.video import VideoFile
from pipeline.stages.encode.video import encoder, gpu_decode
from pipeline.stages.encode.video.params import VideoParams

FRAMES, WIDTH, HEIGHT, SIDE = 12, 192, 128, 48
TAGGED = "colorprim={0}:transfer={0}:colormatrix={0}"
KINDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "not said": ("libx264", "yuv420p", {}),
    "BT.709": ("libx264", "yuv420p", {"x264-params": TAGGED.format("bt709")}),
    "BT.601": ("libx264", "yuv420p", {"x264-params": TAGGED.format("smpte170m")}),
    "full range": ("libx264", "yuvj420p", {}),
    "ten bits": ("libx264", "yuv420p10le", {}),
}
RGB = Modality("video", ("rgb",), 30.0)
SMALL: dict[str, Any] = {"backbone": "squeezenet1_1", "weights": "none", "image_size": SIDE, "patches": 4, "window": 3}


def write(
    path: Path, codec: str, pixels: str, options: dict[str, str], size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Path:
    random = np.random.default_rng(0)
    base = random.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=30, options={"g": "4", "crf": "5", **options})
        stream.height, stream.width, _ = base.shape
        stream.pix_fmt = pixels
        for at in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(base, 3 * at, 1), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def on_cores(frame: Any) -> tuple[Tensor, Tensor]:
    """What a GPU's decoder leaves in its memory, of a frame that the cores decoded."""
    deep = "10" in frame.format.name
    range_ = {"src_color_range": frame.color_range, "dst_color_range": frame.color_range}
    planes = frame.reformat(format="p010le" if deep else "nv12", **range_).planes
    luma, chroma = (from_dlpack(plane.__dlpack__()).clone() for plane in planes)
    return luma, chroma


class OnCores(gpu_decode.GpuDecoder):
    """The GPU's way with frames, where there is none."""

    def __init__(self, device: torch.device, side: int) -> None:
        super().__init__(device, side)
        self.hwaccel = None


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> OnCores:
    monkeypatch.setattr(gpu_decode, "surface", on_cores)
    return OnCores(torch.device("cpu"), SIDE)


@pytest.mark.parametrize("kind", KINDS)
def test_its_frames_are_those_of_the_cores(tmp_path: Path, kind: str, fake: OnCores) -> None:
    video = VideoFile(write(tmp_path / "a.mkv", *KINDS[kind]), "r", "rgb", "a.mkv")
    wanted = np.arange(0, FRAMES, 2)
    found = torch.stack(list(fake.frames(video, wanted))).numpy().astype(int)
    expected = np.stack(list(video.frames(wanted, SIDE))).astype(int)
    assert found.shape == (6, SIDE, SIDE, 3)
    assert_close(found, expected)


def assert_close(found: Any, expected: Any) -> None:
    """FFmpeg's own rounding of where colour lies shows at the left edge, for some sizes."""
    difference = np.abs(found - expected)
    assert difference[..., 1:, :].max() <= 2
    assert difference.max() <= 16
    assert difference.mean() < 0.05


@pytest.fixture
def encode_clips(
    tmp_path: Path, encode: Any, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[type[gpu_decode.GpuDecoder] | None], Any]:
    """Encode three clips by the cores, or by such a decoder."""
    videos = {}
    for name, kind in zip("abc", ("not said", "BT.709", "full range"), strict=True):
        path = write(tmp_path / f"{name}.mkv", *KINDS[kind])
        videos[name, "rgb"] = VideoFile(path, name, "rgb", path.name)

    def run(decoder: type[gpu_decode.GpuDecoder] | None) -> Any:
        source = memory({key: np.zeros((FRAMES, 2, 2, 3), np.uint8) for key in videos})
        monkeypatch.setattr(source, "open_video", lambda recording, stream: videos[recording.id, stream])
        with monkeypatch.context() as patch:
            if decoder is not None:
                build = encoder.StreamReader
                gpu = decoder(torch.device("cpu"), SIDE)
                patch.setattr(encoder, "StreamReader", lambda *args: build(*args[:4], gpu))
            key = ("0" if decoder is None else "1") * 64
            return encode(source, RGB, VideoParams(**SMALL), key=key)[0].read("features")

    return run


def test_features_are_those_of_the_cores(encode_clips: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_decode, "surface", on_cores)
    expected, found = encode_clips(None), encode_clips(OnCores)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())
    assert not np.array_equal(found, expected)  # the GPU's way was taken


@pytest.mark.parametrize("good", [0, 5])
def test_the_cores_go_on_where_it_stops(
    encode_clips: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, good: int
) -> None:
    asked = []

    class Stops(OnCores):
        def begin(self) -> Callable[[Any], Tensor]:
            asked.append(0)

            def convert(frame: Any) -> Tensor:
                asked[-1] += 1
                if asked[-1] > good:
                    raise gpu_decode.NotOnGpuError("yuv444p by a decoder that it does not have")
                return self._to_rgb(frame)

            return convert

    monkeypatch.setattr(gpu_decode, "surface", on_cores)
    with caplog.at_level(logging.WARNING):
        expected, found = encode_clips(None), encode_clips(Stops)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())
    (note,) = [record.getMessage() for record in caplog.records if "GPU" in record.getMessage()]
    assert note.endswith("the first of them: yuv444p by a decoder that it does not have")


def test_it_is_asked_no_more_after_three_videos_in_vain(tmp_path: Path) -> None:
    decoder = OnCores(torch.device("cpu"), SIDE)  # no frame is in a GPU's memory
    video = VideoFile(write(tmp_path / "a.mkv", *KINDS["not said"]), "r", "rgb", "a.mkv")
    opened = []
    video.converted = lambda wanted, conversion: (
        opened.append(1)
        or iter(  # type: ignore[method-assign,func-returns-value]
            VideoFile.converted(video, wanted, conversion)
        )
    )
    for _ in range(5):
        assert not list(decoder.frames(video, np.arange(3)))
    assert len(opened) == 3


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_there_is_no_frame_and_no_verdict_on_the_file(tmp_path: Path) -> None:
    video = VideoFile(write(tmp_path / "a.mkv", *KINDS["not said"]), "r", "rgb", "a.mkv")
    assert not list(gpu_decode.GpuDecoder(torch.device("cuda", 0), SIDE).frames(video, np.arange(3)))


def test_a_damaged_file_is_judged_by_the_cores(tmp_path: Path, fake: OnCores) -> None:
    path = write(tmp_path / "a.mp4", *KINDS["not said"])
    video = VideoFile(path, "r", "rgb", "a.mp4")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 20
    data[start : start + 4000] = bytes(4000)
    path.write_bytes(data)
    came = len(list(fake.frames(video, np.arange(FRAMES))))
    with pytest.raises(BadRecording, match="cannot be decoded"):
        list(video.frames(np.arange(came, FRAMES), SIDE))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ten bits"])  # few GPUs decode ten bits of H.264
def test_a_gpu_decodes_as_the_cores_do(tmp_path: Path, kind: str) -> None:
    video = VideoFile(write(tmp_path / "a.mkv", *KINDS[kind]), "r", "rgb", "a.mkv")
    wanted = np.arange(0, FRAMES, 2)
    frames = list(gpu_decode.GpuDecoder(torch.device("cuda", 0), SIDE).frames(video, wanted))
    assert len(frames) == len(wanted)
    assert frames[0].device.type == "cuda"
    expected = np.stack(list(video.frames(wanted, SIDE))).astype(int)
    assert_close(torch.stack(frames).cpu().numpy().astype(int), expected)
