"""Video end to end: streaming gives what a look at the whole video gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from numpy.typing import NDArray

from pipeline.errors import ConfigError, StepError
from pipeline.sources.base import Modality
from pipeline.stages.encode.align import frames, windows
from pipeline.stages.encode.video.params import DepthRange, VideoParams

RGB = Modality("video", ("rgb",), 30.0)
DEPTH = Modality("video", ("depth",), 30.0)
SMALL: dict[str, Any] = {"backbone": "squeezenet1_1", "weights": "none", "image_size": 40, "patches": 5}


def colour(count: int, lengths: tuple[int, int] = (4, 40), stream: str = "rgb") -> dict[Any, Any]:
    random = np.random.default_rng(1)
    return {
        (f"r{n:03}", stream): random.integers(0, 256, (int(random.integers(*lengths)), 30, 36, 3), dtype=np.uint8)
        for n in range(count)
    }


def reference(video: NDArray[Any], params: VideoParams) -> NDArray[np.float32]:
    """Encode a whole video at once, with torchvision alone."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.squeezenet1_1(weights=None).features.eval()
    if video.ndim == 4:
        planes = torch.from_numpy(video).permute(0, 3, 1, 2) / 255
    else:
        near, far = params.depth.near, params.depth.far
        level = ((torch.from_numpy(video.astype(np.float32)) - near) / (far - near)).clip(0, 1)
        planes = level[:, None].repeat(1, 3, 1, 1)
    sized = F.interpolate(planes, size=(params.image_size,) * 2, mode="bilinear", antialias=True)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    images = (sized - mean) / std
    members = torch.from_numpy(frames(windows(params, 30.0), len(video)))
    with torch.inference_mode():
        if params.pool == "frames":
            return network(images[members].mean(dim=1)).mean(dim=(2, 3)).numpy()
        return network(images).mean(dim=(2, 3))[members].mean(dim=1).numpy()


@pytest.mark.parametrize("pool", ["frames", "features"])
@pytest.mark.parametrize(("window", "stride"), [(3, 3), (6, 2), (1, 4)])
def test_streamed_patches_equal_those_of_the_whole_video(
    encode: Any, memory: Any, pool: Any, window: int, stride: int, device: str
) -> None:
    source = memory(colour(6))
    params = VideoParams(**SMALL, window=window, stride=stride, pool=pool)
    output, provenance = encode(source, RGB, params, device=torch.device(device))
    expected = [reference(source.data[r.id, "rgb"], params) for r in source.recordings()]
    np.testing.assert_allclose(output.read("features"), np.stack(expected), rtol=2e-4, atol=2e-5)
    assert output.read("valid").all()
    assert output.read("features").shape == (6, 5, 512)
    assert provenance["images"] == 30 if pool == "frames" else provenance["images"] >= 30 - 6
    assert provenance["weights"] == "none (random projections)"


def test_depth_becomes_three_equal_channels_of_its_range(encode: Any, memory: Any) -> None:
    random = np.random.default_rng(2)
    source = memory({("r", "depth"): random.integers(0, 6000, (20, 24, 32), dtype=np.uint16)})
    params = VideoParams(**SMALL, depth=DepthRange(near=1000, far=4000))
    output, _ = encode(source, DEPTH, params)
    np.testing.assert_allclose(
        output.read("features")[0], reference(source.data["r", "depth"], params), rtol=2e-4, atol=2e-5
    )


def test_a_person_crop_does_not_depend_on_where_the_person_stands(encode: Any, memory: Any) -> None:
    random = np.random.default_rng(2)
    body = random.integers(2000, 3000, (12, 20, 10), dtype=np.uint16)
    data = {}
    for name, (top, left) in {"a": (0, 0), "b": (30, 50), "c": (10, 5)}.items():
        data[name, "depth"] = np.zeros((12, 50, 60), np.uint16)
        data[name, "depth"][:, top : top + 20, left : left + 10] = body
    output, _ = encode(memory(data), DEPTH, VideoParams(**SMALL, crop="person"))
    found = output.read("features")
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-4, atol=1e-6)
    whole, _ = encode(memory(data), DEPTH, VideoParams(**SMALL), key="1" * 64)
    assert np.abs(whole.read("features")[0] - whole.read("features")[1]).max() > 1e-3
    with pytest.raises(ConfigError, match="crop: person needs depth"):
        encode(memory(colour(1)), RGB, VideoParams(**SMALL, crop="person"), key="2" * 64)


def test_cameras_are_joined_on_the_feature_axis(encode: Any, memory: Any) -> None:
    data = colour(3, stream="left") | colour(3, lengths=(8, 12), stream="right")
    params = VideoParams(**SMALL)
    both, _ = encode(memory(data), Modality("video", ("left", "right"), 30.0), params)
    right, _ = encode(memory(data), Modality("video", ("right",), 30.0), params, key="1" * 64)
    assert both.read("features").shape == (3, 5, 1024)
    np.testing.assert_allclose(both.read("features")[..., 512:], right.read("features"), rtol=1e-4, atol=1e-5)


def test_padded_video_windows_are_masked(encode: Any, memory: Any) -> None:
    source = memory(colour(4, lengths=(7, 12)))
    output, _ = encode(source, RGB, VideoParams(**SMALL, window=3, stride=3, align="pad"))
    for row, recording in enumerate(source.recordings()):
        length = len(source.data[recording.id, "rgb"])
        assert output.read("valid")[row].tolist() == [3 * p + 3 <= length for p in range(5)]
    assert not output.read("features")[~output.read("valid")].any()


def test_random_weights_are_the_same_in_every_run(encode: Any, memory: Any) -> None:
    torch.manual_seed(1)
    first, _ = encode(memory(colour(2)), RGB, VideoParams(**SMALL))
    torch.manual_seed(2)
    second, _ = encode(memory(colour(2)), RGB, VideoParams(**SMALL), key="1" * 64)
    np.testing.assert_array_equal(first.read("features"), second.read("features"))


def test_a_video_that_breaks_midway_leaves_its_row_empty(encode: Any, memory: Any) -> None:
    source = memory(colour(5, lengths=(20, 21)))
    whole, _ = encode(source, RGB, VideoParams(**SMALL), key="1" * 64)
    source.broken["r002", "rgb"] = "truncated"
    source.broken_frame = 15
    source.data["r003", "rgb"] = source.data["r003", "rgb"][:0]
    with pytest.raises(StepError, match=r"rgb/r002\.bin: truncated.*on_bad_recording: skip"):
        encode(source, RGB, VideoParams(**SMALL))
    output, provenance = encode(source, RGB, VideoParams(**SMALL), strict=False)
    assert [late["recording"] for late in provenance["late_broken"]] == ["r002", "r003"]
    assert "has no samples" in provenance["late_broken"][1]["reason"]
    assert output.read("valid").any(axis=1).tolist() == [True, True, False, False, True]
    assert not output.read("features")[2:4].any()
    np.testing.assert_allclose(output.read("features")[4], whole.read("features")[4], rtol=1e-4, atol=1e-5)


def test_an_interrupted_run_ends_with_identical_arrays(encode: Any, memory: Any) -> None:
    source = memory(colour(70, lengths=(4, 6)))
    params = VideoParams(**SMALL | {"patches": 2}, window=1, stride=1)
    whole, _ = encode(source, RGB, params, key="1" * 64)
    source.explode = {"r068"}
    with pytest.raises(KeyboardInterrupt):
        encode(source, RGB, params)
    source.explode, source.read = set(), []
    output, provenance = encode(source, RGB, params)
    assert set(source.read) == {f"r{n:03}" for n in range(64, 70)}
    assert provenance["images"] == 12
    np.testing.assert_array_equal(output.read("features"), whole.read("features"))


def test_a_float16_precision_on_the_cpu_is_refused(encode: Any, memory: Any) -> None:
    with pytest.raises(ConfigError, match="precision: fp16 needs a GPU"):
        encode(memory(colour(1)), RGB, VideoParams(**SMALL, precision="fp16"))


def test_bf16_features_are_close_to_full_precision(encode: Any, memory: Any) -> None:
    full, _ = encode(memory(colour(2)), RGB, VideoParams(**SMALL))
    half, _ = encode(memory(colour(2)), RGB, VideoParams(**SMALL, precision="bf16"), key="1" * 64)
    np.testing.assert_allclose(half.read("features"), full.read("features"), rtol=0.1, atol=0.05)
