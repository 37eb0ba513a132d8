"""Windows of one stretch that lie on both sides of a fold and share samples are counted, and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.plan.recordings.overlap import Overlap
from pipeline.sources.base import Recording

Windows = list[tuple[str, int, int, bool]]  # file, start, length, whether it trains


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 12), st.integers(1, 5), st.booleans()), min_size=1, max_size=12
    )
)
def test_as_each_pair_says(windows: Windows) -> None:
    recordings = [
        Recording(str(at), "1", "walk", "1", start=start * 0.1, end=(start + length) * 0.1, streams={"x": (file,)})
        for at, (file, start, length, _) in enumerate(windows)
    ]
    sides = [[at for at, each in enumerate(windows) if each[3] is side] for side in (True, False)]
    assert Overlap(recordings).count(*sides) == sum(
        any(
            windows[other][0] == windows[at][0]
            and max(windows[other][1], windows[at][1]) < min(sum(windows[other][1:3]), sum(windows[at][1:3]))
            for other in sides[0]
        )
        for at in sides[1]
    )


def test_people_in_one_file_and_whole_files_share_nothing() -> None:
    def count(*pair: Recording) -> int:
        return Overlap(pair).count([0], [1])

    mine = Recording("a", "1", "walk", "1", start=0, end=2, streams={"x": ("f",)})
    assert count(mine, Recording("b", "2", "walk", "1", start=0, end=2, streams={"x": ("f",)})) == 0
    assert count(mine, Recording("b", "1", "walk", "1", streams={"x": ("f",)})) == 0


@pytest.mark.parametrize(("every", "told"), [(1.0, True), (2.0, False)])
@pytest.mark.parametrize("protocol", [{"random": 0.5}, {"k-folds": 2, "by": "id"}])
def test_it_is_told(tmp_path: Path, project_at: Any, every: float, protocol: Any, told: bool) -> None:
    for subject in (1, 2):
        lines = [f"{at / 10},{at % 7},{'walk' if at < 200 else 'run'}" for at in range(400)]
        (tmp_path / f"P{subject}.csv").write_text("t,x,act\n" + "\n".join(lines) + "\n")
    (tmp_path / "stages.yaml").write_text(f"""
store: .store
source:
  name: folder
  root: .
  classes: [walk, run]
  streams: {{x: {{files: "P{{subject}}.csv", rate: 10, time: {{column: t}}}}}}
  segments: {{column: act, windows: {{seconds: 2, every: {every}}}}}
modalities: [x]
protocol: {protocol}
stages:
  encode: {{x: {{window: 5, stride: 5, patches: 4}}}}
  teacher: {{stage: train, needs: [encode], model: dmft-lite, fit: {{epochs: 1}}}}
  evaluate: {{needs: [teacher]}}
""")
    notes = "".join(project_at(tmp_path).plan().notes)
    assert ("recordings that overlap with ones it trains on" in notes) is told
