"""The gaf stage on a real store: what it writes, what it keeps of an interrupted run, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from pipeline.errors import ConfigError, StepError
from pipeline.stages.context import Context
from pipeline.stages.gaf import stage
from pipeline.stages.gaf.params import GafStageParams
from store import Store
from store.features import FeatureArray, FeatureLayout, FeatureOutput, create, open_features, write_shard
from trainers.gaf.params import GafParams
from trainers.gaf.stored import decode

ROWS, LENGTH, CHANNELS, PATCHES = 150, 40, 3, 4
INVALID = (5, 70, 149)
ATTRIBUTES = {"modality": "inertial", "kind": "series", "streams": ["inertial"], "rate": 50.0, "vertical_axis": 1}
Gaf = Callable[..., FeatureOutput]


def encoded_arrays() -> dict[str, Any]:
    series = np.random.default_rng(9).normal(size=(ROWS, LENGTH, CHANNELS)).cumsum(1).astype(np.float32)
    valid = np.ones((ROWS, PATCHES), bool)
    valid[3, 1:] = False
    valid[list(INVALID)] = False
    series[list(INVALID)] = 0
    return {"series": series, "valid": valid}


@pytest.fixture
def gaf(tmp_path: Path) -> Gaf:
    """Write an encode output, run the stage on it, publish and open what it wrote."""
    store = Store.open(str(tmp_path / "store"))

    def run(
        params: dict[str, Any],
        *,
        change: Callable[[dict[str, Any]], Any] = lambda arrays: None,
        progress: Callable[[int, int, str], None] = lambda done, total, what: None,
        key: str = "1" * 64,
        source: str = "0" * 64,
    ) -> FeatureOutput:
        if not store.has("encode", source):
            arrays = encoded_arrays()
            change(arrays)
            dims = {"series": ("sample", "channel"), "valid": ("patch",)}
            layout = FeatureLayout(
                ROWS, tuple(FeatureArray(n, a.shape[1:], str(a.dtype), dims[n]) for n, a in arrays.items())
            )
            with store.draft("encode", source, recipe={}, inputs=[]) as draft:
                create(draft, layout, ATTRIBUTES)
                for shard in range(layout.shards):
                    rows = layout.rows_of(shard)
                    write_shard(draft, layout, shard, {n: a[rows.start : rows.stop] for n, a in arrays.items()})
                draft.publish({})
        plain = msgspec.to_builtins(msgspec.convert(params, GafStageParams))
        with store.draft("gaf", key, recipe={}, inputs=[source]) as draft:
            context = Context(
                recipe={"stage": "gaf", "modality": "inertial", "params": plain},
                work={"features": "encoded"},
                draft=draft,
                outputs={"encoded": store.output("encode", source)},
                source=None,
                recordings=(),
                resolve=lambda table, section: (lambda: None, None),
                device="cpu",
                on_bad_recording="fail",
                weights=None,
                progress=progress,
            )
            provenance = stage.run(context)
            assert set(provenance) == {"timings"}
            return open_features(draft.publish(provenance))

    return run


@pytest.mark.parametrize(("dtype", "resolution"), [("float16", 2.0**-12), ("uint8", 1 / 255)])
@pytest.mark.parametrize("renderer", ["fused", "pyts"])
def test_images_are_those_of_pyts(gaf: Gaf, pyts: Any, dtype: str, resolution: float, renderer: str) -> None:
    output = gaf({"size": 24, "field": "both", "dtype": dtype, "renderer": renderer})
    images, series = output.read("images"), encoded_arrays()["series"]
    assert images.shape == (ROWS, 2 * CHANNELS, 24, 24)
    assert images.dtype == dtype
    expected = np.concatenate([pyts(series, 24, field) for field in ("summation", "difference")], 1)
    good = [row for row in range(ROWS) if row not in INVALID]
    difference = decode(torch.from_numpy(images[good])).numpy() - expected[good]
    assert np.abs(difference).max() <= resolution + 1e-6


@pytest.mark.parametrize("renderer", ["fused", "pyts"])
def test_fixed_scaling(gaf: Gaf, pyts: Any, renderer: str) -> None:
    given = {"size": 40, "scaling": "fixed", "range": [3, 4, 50], "field": "difference", "renderer": renderer}
    images = gaf(given).read("images")[0]
    angles = np.arccos(np.clip(encoded_arrays()["series"][0].astype(float) / [3, 4, 50], -1, 1)).T
    expected = np.sin(angles[:, :, None] - angles[:, None, :])
    assert np.abs(images - expected).max() <= 2.0**-12 + 1e-6


def test_rows_say_what_is_valid_and_the_others_are_zero(gaf: Gaf) -> None:
    output = gaf({"size": 16})
    series, valid = encoded_arrays()["series"], output.read("valid")
    assert valid.shape == (ROWS, 1)
    assert tuple(np.flatnonzero(~valid[:, 0])) == INVALID
    assert not output.read("images")[list(INVALID)].any()
    np.testing.assert_array_equal(output.read("series"), series)
    assert output.read("series").dtype == np.float32


def test_attributes_say_how_to_render_again(gaf: Gaf) -> None:
    params = {"size": 16, "scaling": "fixed", "range": [1, 2, 3]}
    attributes = gaf({**params, "dtype": "uint8"}).attributes
    assert attributes == {
        **ATTRIBUTES,
        "form": "images",
        "gaf": {"size": 16, "field": "summation", "scaling": "fixed", "range": [1.0, 2.0, 3.0]},
        "dtype": "uint8",
    }
    assert msgspec.convert(attributes["gaf"], GafParams) == msgspec.convert(params, GafParams)


def test_on_the_fly_stores_the_series_alone(gaf: Gaf) -> None:
    output = gaf({"render": "on-the-fly"})
    assert output.names == ("series", "valid")
    assert output.attributes["gaf"]["size"] == 64
    np.testing.assert_array_equal(output.read("series"), encoded_arrays()["series"])


def test_an_interrupted_run_keeps_its_finished_shards(gaf: Gaf, tmp_path: Path) -> None:
    whole = gaf({"size": 16}, key="2" * 64)

    def interrupt(done: int, total: int, what: str) -> None:
        if done == 128:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gaf({"size": 16}, progress=interrupt)
    folder = tmp_path / "store/outputs/gaf" / ("1" * 64)
    kept = {path: path.stat() for path in folder.rglob("c/[01]/**/*") if path.is_file()}
    assert len(kept) == 6  # two shards of three arrays
    seen: list[tuple[int, int, str]] = []
    output = gaf({"size": 16}, progress=lambda *said: seen.append(said))
    assert seen == [(64, ROWS, "recordings"), (128, ROWS, "recordings"), (ROWS, ROWS, "recordings")]
    for name in ("images", "series", "valid"):
        np.testing.assert_array_equal(output.read(name), whole.read(name))
    for path, before in kept.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


class TestRefusals:
    def test_a_value_that_is_not_finite(self, gaf: Gaf) -> None:
        def spoil(arrays: dict[str, Any]) -> None:
            arrays["series"][77, 3, 1] = np.nan

        said = r"inertial: row 77 of the encoded series holds a value that is not finite; repair that recording's file"
        for params in ({"size": 16}, {"render": "on-the-fly"}):
            with pytest.raises(StepError, match=said):
                gaf(params, change=spoil)

    def test_in_an_invalid_row_it_does_not_matter(self, gaf: Gaf) -> None:
        def spoil(arrays: dict[str, Any]) -> None:
            arrays["series"][INVALID[0]] = np.inf

        output = gaf({"size": 16}, change=spoil)
        assert not output.read("series")[INVALID[0]].any()

    def test_a_failure_of_pyts(self, gaf: Gaf, pyts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from pipeline.stages.gaf import pyts_images

        def fail(series: Any, params: Any) -> Any:
            raise ValueError("Input contains infinity")

        monkeypatch.setattr(pyts_images, "pyts_images", fail)
        with pytest.raises(StepError, match=r"inertial: row 0: pyts: Input contains infinity; set renderer: fused"):
            gaf({"size": 16, "renderer": "pyts"})

    def test_an_image_larger_than_the_series_by_pyts(self, gaf: Gaf) -> None:
        said = r"gaf\.inertial\.renderer: .* \(64 > 40 samples\); set renderer: fused, or size: 40 or less"
        with pytest.raises(ConfigError, match=said):
            gaf({"renderer": "pyts"})
        assert gaf({"size": 64}).read("images", [0]).shape == (1, CHANNELS, 64, 64)

    def test_ranges_that_are_not_one_a_channel(self, gaf: Gaf) -> None:
        said = r"gaf\.inertial\.range: has 2 values, the series has 3 channels; give one value or 3"
        with pytest.raises(ConfigError, match=said):
            gaf({"scaling": "fixed", "range": [1, 2]})

    def test_an_encode_output_without_series(self, gaf: Gaf) -> None:
        with pytest.raises(ConfigError, match=r"encode\.inertial\.keep_series: .*; set keep_series: true"):
            gaf({}, change=lambda arrays: arrays.pop("series"))

    def test_pyts_on_the_fly(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="set render: ahead or renderer: fused"):
            msgspec.convert({"renderer": "pyts", "render": "on-the-fly"}, GafStageParams)


def test_planning_reads_the_parameters_without_torch_and_numpy() -> None:
    import subprocess
    import sys

    code = "import sys, pipeline.stages.gaf.params; print(sorted(sys.modules.keys() & {'torch', 'numpy', 'numba'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
