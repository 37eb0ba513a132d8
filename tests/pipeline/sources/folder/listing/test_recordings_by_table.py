"""Recordings that a table lists: its lines, paths and columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.errors import ConfigError
from pipeline.sources.base import Recording
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder

from .made_up import reasons

TABLE = "id,subject,label,watch,video,age\na,01,1,raw/x.csv,,30\nb,2,run,raw/y.csv,raw/y.mp4,31\n"
NAMED_IN_TABLE: Any = {"watch": {"rate": 50}, "video": {"rate": 30, "kind": "video"}}


class TestByATable:
    def test_its_lines_are_recordings(self, listed: Any) -> None:
        files = {"recordings.csv": TABLE, "raw/x.csv": "", "raw/y.csv": "", "raw/y.mp4": ""}
        found = listed(files, streams=NAMED_IN_TABLE, table="recordings.csv")
        assert found.recordings == (
            Recording("a", "1", "walk", "1", streams={"watch": ("raw/x.csv",)}, columns={"age": "30"}),
            Recording(
                "b", "2", "run", "1", streams={"watch": ("raw/y.csv",), "video": ("raw/y.mp4",)}, columns={"age": "31"}
            ),
        )

    def test_patterns_find_files_for_its_lines(self, listed: Any) -> None:
        files = {"list.tsv": "who\tlabel\n1\twalk\n2\trun\n", "1.csv": "", "2.csv": "", "3.csv": ""}
        table = {"file": "list.tsv", "columns": {"subject": "who"}}
        found = listed(files, streams={"watch": {"files": "{subject}.csv", "rate": 1}}, table=table)
        assert [(r.id, r.streams["watch"]) for r in found.recordings] == [
            ("s1_walk", ("1.csv",)),
            ("s2_run", ("2.csv",)),
        ]
        assert reasons(found) == {"3.csv": "no recording has subject 3"}

    def test_paths_are_beside_it(self, listed: Any) -> None:
        files = {"meta/metadata.csv": "subject,label,watch\n1,walk,data/1.csv\n", "meta/data/1.csv": ""}
        (recording,) = listed(files, streams={"watch": {"rate": 1}}, table="meta/metadata.csv").recordings
        assert recording.streams == {"watch": ("meta/data/1.csv",)}

    @pytest.mark.parametrize("path", ["raw/none.csv", "../x.csv", "/etc/passwd"])
    def test_a_path_to_no_file(self, listed: Any, path: str) -> None:
        files = {"t.csv": f"subject,label,watch\n1,walk,{path}\n1,run,x.csv\n", "x.csv": ""}
        found = listed(files, streams={"watch": {"rate": 1}}, table="t.csv")
        assert len(found.recordings) == 1
        assert "is in the table, and there is no such file below the root (t.csv:2)" in reasons(found)[path]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "is empty"),
            ("subject,watch\n1,x.csv\n", "t.csv:1: has no column label"),
            ("subject,label,subject\n", "has the column subject twice"),
            ("subject,label,watch\n1,walk,x.csv,more\n", "t.csv:2: has 4 values, the header 3 names"),
            ("subject,label,watch\n,walk,x.csv\n", "t.csv:2 says no subject"),
            ("subject,label,watch\n1,walk,x.csv\n1,walk,x.csv\n", "t.csv:3 makes a second recording s1_walk"),
            ("subject,label,watch,start\n1,walk,x.csv,soon\n", "t.csv:2: start is 'soon'"),
            ("subject,label,watch,start\n1,walk,x.csv,-1\n", "t.csv:2: start is '-1', wanted a number of sec"),
            ("subject,label,watch,end\n1,walk,x.csv,inf\n", "t.csv:2: end is 'inf'"),
            ("subject,label,watch,end\n1,walk,x.csv,nan\n", "t.csv:2: end is 'nan'"),
            ("subject,label,watch,start,end\n1,walk,x.csv,5,5\n", "t.csv:2: goes from 5 to 5 s"),
            ("subject,label,watch,end\n1,walk,x.csv,0\n", "t.csv:2: goes from 0 to 0 s"),
            ("subject,label,watch\n1,walk,x\0.csv\n", "is no text"),
            ("subject,label\n1,walk\n", "holds no recordings|no file in"),
        ],
    )
    def test_what_is_wrong_with_it(self, listed: Any, text: str, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            listed({"t.csv": text, "x.csv": ""}, streams={"watch": {"rate": 1}}, table="t.csv")

    def test_several_paths_stay_in_their_order(self, tmp_path: Path) -> None:
        for name, value in (("z.csv", 1), ("a.csv", 2)):
            (tmp_path / name).write_text(f"x\n{value}\n")
        (tmp_path / "t.csv").write_text("subject,label,watch\n1,walk,z.csv;a.csv\n")
        body = {"root": ".", "classes": ["walk", "run"], "table": "t.csv", "streams": {"watch": {"rate": 1}}}
        source = Folder(tmp_path, msgspec.convert(body, Params))
        (recording,) = source.list().recordings
        assert source.open_series(recording, "watch").values[:, 0].tolist() == [1, 2]

    def test_it_is_not_there(self, listed: Any) -> None:
        with pytest.raises(ConfigError, match=r"none.csv: no such table"):
            listed(["x.csv"], streams={"watch": {"rate": 1}}, table="none.csv")

    def test_other_ways_to_write_it(self, listed: Any) -> None:
        text = '\ufeff# made by hand\r\nsubject;label;watch\r\n\r\n# a comment\r\n1;walk;"x;1.csv"\r\n'
        for csv in ({"comment": "#"}, {}):
            table = {"file": "t.csv", "csv": csv}
            (recording,) = listed(
                {"t.csv": text, "x;1.csv": ""}, streams={"watch": {"rate": 1}}, table=table
            ).recordings
            assert recording.streams == {"watch": ("x;1.csv",)}

    @pytest.mark.parametrize(
        ("csv", "subjects"), [({}, ["2"]), ({"comment": ""}, ["%1", "2"]), ({"comment": "2"}, ["%1"])]
    )
    def test_lines_that_do_not_count(self, listed: Any, csv: Any, subjects: list[str]) -> None:
        files = {"t.csv": "subject,label,watch\n%1,walk,x.csv\n2,run,x.csv\n", "x.csv": ""}
        found = listed(files, streams={"watch": {"rate": 1}}, table={"file": "t.csv", "csv": csv})
        assert sorted(each.subject for each in found.recordings) == subjects
