"""Recordings cut from long files: by tables of stretches, a column of labels, windows."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ConfigError

from .made_up import LONG, reasons


class TestSegments:
    def test_a_table_for_all(self, listed: Any) -> None:
        files = {
            "1.csv": "",
            "2.csv": "",
            "seg.csv": "subject,start,end,label\n1,0,10.5,walk\n01,20,30,run\n2,5,6,walk\n9,1,2,run\n",
        }
        found = listed(files, streams=LONG, segments={"files": "seg.csv"})
        assert [(r.id, r.start, r.end, r.action) for r in found.recordings] == [
            ("s1_run_000020.000", 20.0, 30.0, "run"),
            ("s1_walk_000000.000", 0.0, 10.5, "walk"),
            ("s2_walk_000005.000", 5.0, 6.0, "walk"),
        ]
        assert reasons(found) == {"seg.csv:5": "no file is of subject 9; the nearest there is: subject 2"}

    def test_a_table_for_each_file_with_the_rest_in_windows(self, listed: Any) -> None:
        files = {"1.csv": "", "labels/1.txt": "begin end what\n10 20 walk\n40 55 run\n"}
        segments = {
            "files": "labels/{subject}.txt", "columns": {"start": "begin", "end": "end", "label": "what"},
            "csv": {"delimiter": "whitespace"}, "rest": "none", "windows": {"seconds": 5},
        }  # fmt: skip
        found = listed(files, streams=LONG, segments=segments, classes=["walk", "run", "none"])
        by_class: dict[str, list[float]] = {}
        for each in sorted(found.recordings, key=lambda r: r.start or 0):
            by_class.setdefault(each.action, []).append(each.start or 0.0)
        assert by_class == {"walk": [10, 15], "run": [40, 45, 50], "none": [0, 5, 20, 25, 30, 35, 55]}

    def test_a_column_of_labels(self, listed: Any) -> None:
        found = listed(["1.csv"], streams=LONG, segments={"column": "activity"})
        assert [(r.action, r.start, r.end) for r in found.recordings] == [("walk", 5.0, 20.0), ("run", 20.0, 30.5)]

    def test_overlapping_windows_of_whole_files(self, listed: Any) -> None:
        stream = {"imu": {"files": "{subject}_{label}.csv", "rate": 100}}
        segments = {"windows": {"seconds": 30, "every": 15}}
        found = listed(["1_walk.csv"], streams=stream, segments=segments)
        assert [(r.start, r.end) for r in found.recordings] == [(0, 30), (15, 45), (30, 60)]

    def test_windows_that_no_stretch_is_as_long_as(self, listed: Any) -> None:
        segments = {"column": "activity", "windows": {"seconds": 50}}
        with pytest.raises(ConfigError, match="no stretch is as long as a window, 50 s"):
            listed(["1.csv"], streams=LONG, segments=segments)
        other = {"imu": {"files": "P{subject}.csv", "rate": 100}}
        with pytest.raises(ConfigError, match=r"no file in .* makes a recording|holds no recordings"):
            listed(["1.csv"], streams=other, segments=segments)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("subject,start,end,label\n1,5,5,walk\n", "seg.csv:2: goes from 5 to 5 s"),
            ("subject,start,end,label\n1,x,5,walk\n", "seg.csv:2: start is 'x', wanted a number of s"),
            ("subject,start,label\n1,5,walk\n", "has no column end"),
            ("subject,start,label,end\n1,5,walk\n", "seg.csv:2: end is '', wanted a number of s"),
        ],
    )
    def test_what_is_wrong_with_its_table(self, listed: Any, text: str, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            listed({"1.csv": "", "seg.csv": text}, streams=LONG, segments={"files": "seg.csv"})

    def test_a_table_that_does_not_say_whose_its_segments_are(self, listed: Any) -> None:
        files = {"1.csv": "", "seg.csv": "who,start,end,label\n1,0,5,walk\n2,5,9,run\n"}
        found = listed(files, streams=LONG, segments={"files": "seg.csv"})  # of one recording there is no question
        assert [each.start for each in found.recordings] == [5.0, 0.0]
        said = "seg.csv: does not say which recordings its segments are of: its columns and its path have none of subj"
        with pytest.raises(ConfigError, match=said):
            listed({"2.csv": ""}, streams=LONG, segments={"files": "seg.csv"})
        found = listed({}, streams=LONG, segments={"files": "seg.csv", "columns": {"subject": "who"}})
        assert [each.id for each in found.recordings] == ["s1_walk_000000.000", "s2_run_000005.000"]

    def test_a_table_whose_path_says_otherwise(self, listed: Any) -> None:
        files = {"1.csv": "", "l/01.csv": "subject,start,end,label\n,0,1,walk\n1,1,5,walk\n2,5,9,run\n"}
        with pytest.raises(ConfigError, match=r"l/01.csv:4: says subject 2, but its path says subject 01"):
            listed(files, streams=LONG, segments={"files": "l/{subject}.csv"})
        segments = {"files": "l/{subject}.csv", "columns": {"annotator": "subject"}}
        assert {each.subject for each in listed({}, streams=LONG, segments=segments).recordings} == {"1"}

    def test_a_line_without_the_last_column(self, listed: Any) -> None:
        files = {"1.csv": "", "seg.csv": "start,end,label,subject\n1,5,walk,1\n6,7,walk\n"}
        found = listed(files, streams=LONG, segments={"files": "seg.csv"})
        assert len(found.recordings) == 1
        assert reasons(found)["seg.csv:3"].startswith("no file is of subject ")

    def test_tables_of_other_columns(self, listed: Any) -> None:
        files = {"1.csv": "", "2.csv": "", "l/1.csv": "start,end,label\n0,5,walk\n",
                 "l/2.csv": "start,end,label,subject\n0,5,walk,2\n"}  # fmt: skip
        with pytest.raises(ConfigError, match=r"l/1.csv:2: its table has no column subject, as l/2.csv:2 has"):
            listed(files, streams=LONG, segments={"files": "l/*.csv"})
        assert len(listed({}, streams=LONG, segments={"files": "l/{subject}.csv"}).recordings) == 2
