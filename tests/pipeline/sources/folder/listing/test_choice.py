"""Recordings chosen by their columns: `only` and `without`."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ConfigError

from .made_up import LONG

SITES = [f"{site}/{subject}_{label}.csv" for site in "AB" for subject in ("01", "2") for label in ("walk", "2")]
OF_A_SITE: Any = {"imu": {"files": "{site}/{subject}_{label}.csv", "rate": 50}}


class TestAPartOfTheFolder:
    @pytest.mark.parametrize(
        ("chosen", "left"),
        [
            ({"only": {"site": "A"}}, {("A", "1", "walk"), ("A", "1", "run"), ("A", "2", "walk"), ("A", "2", "run")}),
            ({"only": {"site": ["A", "B"], "subject": 1, "label": ["run"]}}, {("A", "1", "run"), ("B", "1", "run")}),
            ({"without": {"subject": "02", "label": "run"}, "only": {"site": "B"}},
             {("B", "1", "walk"), ("B", "1", "run"), ("B", "2", "walk")}),
            ({"only": {"id": "s1_run_siteA"}}, {("A", "1", "run")}),
            ({"without": {"session": 1, "label": "walk", "site": "A"}, "only": {"subject": 1, "site": "A"}},
             {("A", "1", "run")}),
        ],
    )  # fmt: skip
    def test_by_columns(self, listed: Any, chosen: Any, left: set[tuple[str, str, str]]) -> None:
        found = listed(SITES, streams=OF_A_SITE, **chosen)
        assert {(r.columns["site"], r.subject, r.action) for r in found.recordings} == left
        assert not found.unparsed

    def test_files_of_what_is_left_out_need_not_be_there(self, listed: Any) -> None:
        files = {"t.csv": "subject,label,site,imu\n1,walk,A,x.csv\n2,run,B,gone.csv\n", "x.csv": ""}
        found = listed(files, streams={"imu": {"rate": 1}}, table="t.csv", only={"site": "A"})
        assert ([r.subject for r in found.recordings], found.unparsed) == (["1"], ())

    def test_segments_of_what_is_left_out_are_not_told_of(self, listed: Any) -> None:
        files = {"1.csv": "", "2.csv": "", "seg.csv": "subject,start,end,label\n1,0,5,walk\n2,0,5,run\n2,5,9,walk\n"}
        for chosen, left in (({"without": {"subject": 2}}, ["1"]), ({"only": {"label": "run"}}, ["2"])):
            found = listed(files, streams=LONG, segments={"files": "seg.csv"}, **chosen)
            assert ([r.subject for r in found.recordings], found.unparsed) == (left, ())

    @pytest.mark.parametrize(
        ("chosen", "said"),
        [
            ({"only": {"sit": "A"}}, r"source.only: no recording has a sit\n  did you mean site\? there are: id, lab"),
            ({"without": {"site": ["A", "C"]}}, r"source.without.site: no recording has the site C\n  there are: A, B"),
            ({"only": {"site": "A"}, "without": {"site": "A"}}, "no recording fits `only` and `without`"),
        ],
    )
    def test_what_no_recording_has(self, listed: Any, chosen: Any, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            listed(SITES, streams=OF_A_SITE, **chosen)
