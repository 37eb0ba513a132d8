"""What is shown of a recording is what the stages give, and windows lie where their samples are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.inspect.opened import open_listed
from pipeline.inspect.recording.facts import as_json, examine
from pipeline.inspect.recording.text import as_text
from store.features import open_features

from .made_up import opened, watch, write_all, write_watch


def test_patches_are_those_of_a_run(project: Any) -> None:
    project.run(until="encode")
    source = open_listed(project.file, [], lambda *_: None)
    plan = project.plan()
    for row in (3, 11):
        seen = examine(source, source.listing.recordings[row])
        assert {each.modality for each in seen.patches} == {"skeleton", "inertial"}
        for made in seen.patches:
            step = plan.steps[f"encode[{made.modality}]"]
            stored = open_features(plan.chain.output("encode", step.key))
            np.testing.assert_array_equal(made.features, stored.read("features", range(row, row + 1))[0])
            np.testing.assert_array_equal(made.series, stored.read("series", range(row, row + 1))[0])


@pytest.mark.parametrize(
    ("align", "patches"), [("resample", 7), ("spread", 7), ("pad", 30), ("pad", 60), ("truncate", 20)]
)
@pytest.mark.parametrize("start", [0.0, 100.0])
def test_windows_lie_where_their_samples_are(tmp_path: Path, align: str, patches: int, start: float) -> None:
    """A series whose value is its time tells of each window when it begins and ends."""
    file = write_all(tmp_path)
    seconds = start + np.arange(200) / 50
    write_watch(tmp_path / "data" / "watch" / "walk_1_1.csv", np.column_stack([seconds, seconds, seconds, seconds]))
    encode = {
        "window": 10, "stride": 5, "patches": patches, "align": align, "reduce": "flatten", "keep_series": False,
    }  # fmt: skip
    source = opened(file, **{"stages.encode.watch": encode, "stages.gaf.modalities": ["watch"]})
    recording = next(row for row in source.listing.recordings if row.streams["watch"] == ("watch/walk_1_1.csv",))
    made = next(each for each in examine(source, recording).patches if each.modality == "watch")
    assert made.features is not None
    samples = made.features[: made.valid].reshape(made.valid, 10, 3)[:, :, 0]
    spans = made.spans["watch"]
    assert len(spans) == made.valid
    np.testing.assert_allclose(spans, samples[:, [0, -1]] - start, atol=2e-5)


def test_gramians_are_the_closed_form(tmp_path: Path) -> None:
    source = opened(write_all(tmp_path), **{"stages.gaf.size": 40})  # as many as there are samples: no averaging
    seen = examine(source, source.listing.recordings[0])
    series = next(each.series for each in seen.patches if each.modality == "watch")
    (made,) = seen.gramians
    assert series is not None
    assert made.images is not None
    assert made.labels == ("summation 1", "summation 2", "summation 3")
    for channel, image in enumerate(made.images):
        values = series[:, channel].astype(np.float64)
        scaled = 2 * (values - values.min()) / np.ptp(values) - 1
        angle = np.arccos(scaled)
        np.testing.assert_allclose(image, np.cos(angle[:, None] + angle), atol=1e-3)


def test_facts_of_a_recording(tmp_path: Path) -> None:
    source = opened(write_all(tmp_path))
    recording = next(row for row in source.listing.recordings if row.streams["watch"] == ("watch/sit_3_2.csv",))
    seen = examine(source, recording)
    facts = as_json(seen)
    own = facts["streams"][0]
    assert (own["samples"], own["shape"], own["nominal_rate"]) == (200, [3], 50.0)
    assert own["timing"]["seconds"] == pytest.approx(4.0)
    assert (facts["class"], facts["subject"], facts["session"]) == ("sit", "3", "2")
    text = as_text(seen)
    assert max(map(len, text.splitlines())) <= 80
    said = " ".join(text.split())
    assert "sit (class 1 of 0 to 2), subject 3, session 2" in said
    assert "encode[watch]: 7 of 7 windows of 10 samples every 5 (resample), the first from 0.00 to" in said
    assert "features 7 x 6" in said
    assert "gaf[watch]: 3 images of 16 x 16" in said


def test_what_is_missing_or_broken_is_said(tmp_path: Path) -> None:
    file = write_all(tmp_path)
    (tmp_path / "data" / "body" / "walk_1_1.npy").unlink()
    broken = watch(0)
    broken[5, 1] = np.nan
    write_watch(tmp_path / "data" / "watch" / "walk_1_1.csv", broken)
    source = opened(file)
    recording = next(row for row in source.listing.recordings if row.streams["watch"] == ("watch/walk_1_1.csv",))
    text = " ".join(as_text(examine(source, recording)).split())
    assert "body: the recording has none" in text
    assert "encode[body]: nothing: " in text
    assert "encode[watch]: nothing: watch/walk_1_1.csv: " in text
    assert "gaf[watch]: nothing: watch/walk_1_1.csv: " in text
