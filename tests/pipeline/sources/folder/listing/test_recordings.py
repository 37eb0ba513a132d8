"""Which recordings a folder as people have it holds, and whose its files are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.errors import ConfigError
from pipeline.sources.base import Listing, Recording
from pipeline.sources.folder.listing.files import find_files
from pipeline.sources.folder.listing.recordings import list_recordings
from pipeline.sources.folder.listing.segments import Stretch
from pipeline.sources.folder.params import Params

WATCH = {"files": "watch/S{subject}A{label}T{session}.csv", "rate": 50}
PHONE = {"files": "phone/{subject}_{label}_{session}.txt", "rate": 100}


class FakeLook:
    """Says of every file that it goes from 0 to 60 s, and has two labels."""

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        return Stretch(0.0, 60.0)

    def labelled(self, stream: str, paths: tuple[str, ...]) -> list[Stretch]:
        return [Stretch(5.0, 20.0, "1"), Stretch(20.0, 30.5, "2")]


@pytest.fixture
def listed(tmp_path: Path) -> Any:
    """Make files (a text is a file's content), and list them as described."""

    def listed(files: list[str] | dict[str, str], **described: Any) -> Listing:
        for name in files:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name] if isinstance(files, dict) else "")
        body = {"root": ".", "classes": ["walk", "run"], "labels": {"1": "walk", "2": "run"}, **described}
        params = msgspec.convert(body, Params)
        return list_recordings(find_files(tmp_path, params), tmp_path, params, FakeLook())

    return listed


def brief(listing: Listing) -> list[tuple[str, str, str, str, list[str]]]:
    return [(r.id, r.subject, r.action, r.session, sorted(r.streams)) for r in listing.recordings]


def reasons(listing: Listing) -> dict[str, str]:
    return {item.path: item.reason for item in listing.unparsed}


class TestByNames:
    def test_streams_in_different_folders_with_different_spellings(self, listed: Any) -> None:
        found = listed(
            ["watch/S01A1T1.csv", "watch/S1A2T1.csv", "phone/1_walk_01.txt", "phone/2_run_1.txt", "phone/1_1_2.txt"],
            streams={"watch": WATCH, "phone": PHONE},
        )
        assert brief(found) == [
            ("s1_run_t1", "1", "run", "1", ["watch"]),
            ("s1_walk_t1", "1", "walk", "1", ["phone", "watch"]),
            ("s1_walk_t2", "1", "walk", "2", ["phone"]),
            ("s2_run_t1", "2", "run", "1", ["phone"]),
        ]

    def test_one_label_is_spelt_in_two_ways(self, listed: Any) -> None:
        found = listed(
            ["watch/S1A1T1.csv", "phone/1_walk_1.txt"],
            streams={"watch": WATCH, "phone": PHONE},
        )
        assert [sorted(r.streams) for r in found.recordings] == [["phone", "watch"]]

    def test_strange_files_are_nobodys_business_but_a_mistyped_name_is_told(self, listed: Any) -> None:
        found = listed(
            [
                "watch/S1A1T1.csv",
                "watch/S1A1.csv",
                "watch/notes.txt",
                "watch/.DS_Store",
                "readme.md",
                "watch/thumbs.db",
            ],
            streams={"watch": WATCH},
        )
        assert len(found.recordings) == 1
        assert reasons(found) == {"watch/S1A1.csv": "fits no pattern of `files`; rename it, or `ignore` it"}

    def test_an_ignored_file_is_not_told_of(self, listed: Any) -> None:
        found = listed(["watch/S1A1T1.csv", "watch/test.csv"], streams={"watch": WATCH}, ignore=["**/test.csv"])
        assert not found.unparsed

    def test_one_file_holds_two_streams(self, listed: Any) -> None:
        two = {"acc": {**WATCH, "columns": [1, 2, 3]}, "gyro": {**WATCH, "columns": [4, 5, 6]}}
        (recording,) = listed(["watch/S1A1T1.csv"], streams=two).recordings
        assert recording.streams == {"acc": ("watch/S1A1T1.csv",), "gyro": ("watch/S1A1T1.csv",)}

    def test_one_stream_lies_in_several_files(self, listed: Any) -> None:
        stream = {"files": "{subject}_{label}_{part}.csv", "rate": 50}
        (recording,) = listed([f"1_walk_{n}.csv" for n in (10, 9, 1)], streams={"watch": stream}).recordings
        assert recording.streams["watch"] == ("1_walk_1.csv", "1_walk_9.csv", "1_walk_10.csv")

    def test_a_folder_of_pictures_is_one_video(self, listed: Any) -> None:
        stream = {"files": "{subject}/{label}/*.png", "rate": 30, "kind": "video"}
        (recording,) = listed([f"1/walk/{n}.png" for n in (10, 9)], streams={"rgb": stream}).recordings
        assert recording.streams["rgb"] == ("1/walk/9.png", "1/walk/10.png")

    def test_two_files_of_one_name(self, listed: Any) -> None:
        stream = {"files": "{subject}_{label}_*.csv", "rate": 50}
        found = listed(["1_walk_a.csv", "1_walk_b.csv"], streams={"watch": stream})
        assert found.recordings[0].streams["watch"] == ("1_walk_a.csv",)
        assert "names the same recording as 1_walk_a.csv" in reasons(found)["1_walk_b.csv"]

    def test_the_first_pattern_that_fits_counts(self, listed: Any) -> None:
        stream = {"files": ["old/{subject}_{label}.csv", "**/{subject}-{label}.csv"], "rate": 50}
        found = listed(["old/1_walk.csv", "new/a/2-run.csv"], streams={"watch": stream})
        assert [r.subject for r in found.recordings] == ["1", "2"]

    def test_a_file_of_fewer_parts_belongs_to_all_that_agree(self, listed: Any) -> None:
        video = {"files": "{subject}_{label}_cam{view}.mp4", "rate": 30, "kind": "video"}
        watch = {"files": "{subject}_{label}.csv", "rate": 50}
        found = listed(
            ["1_walk_cam1.mp4", "1_walk_cam2.mp4", "1_walk.csv", "3_run.csv"], streams={"rgb": video, "watch": watch}
        )
        assert [(r.view, r.streams["watch"]) for r in found.recordings] == [
            ("1", ("1_walk.csv",)),
            ("2", ("1_walk.csv",)),
        ]
        assert reasons(found) == {"3_run.csv": "no recording has label run, subject 3"}

    def test_other_parts_are_kept_for_protocols(self, listed: Any) -> None:
        stream = {"files": "{site}/{subject}_{label}.csv", "rate": 50}
        (recording,) = listed(["home/1_walk.csv"], streams={"watch": stream}).recordings
        assert (recording.columns, recording.id) == ({"site": "home"}, "s1_walk_sitehome")

    def test_labels_are_left_out_joined_and_told(self, listed: Any) -> None:
        found = listed(
            [f"watch/S1A{label}T1.csv" for label in (1, 2, 3, 4, "walkk")],
            streams={"watch": WATCH},
            labels={"1": "walk", "2": "walk", "3": None},
        )
        assert [(r.id, r.action) for r in found.recordings] == [("s1_1_t1", "walk"), ("s1_2_t1", "walk")]
        told = reasons(found)
        assert "label '4' is no class; add it to `classes`" in told["watch/S1A4T1.csv"]
        assert "did you mean walk?" in told["watch/S1AwalkkT1.csv"]

    def test_two_spellings_of_one_class_are_one_label(self, listed: Any) -> None:
        found = listed(
            ["phone/1_SitDown_1.txt", "phone/2_walk_1.txt", "watch/S1Asit_downT1.csv", "watch/S2Asit_downT1.csv"],
            streams={"watch": WATCH, "phone": PHONE},
            labels={"SitDown": "run", "sit_down": "run", "sit-down": "run"},
        )
        assert [(r.id, r.action, sorted(r.streams)) for r in found.recordings] == [
            ("s1_run_t1", "run", ["phone", "watch"]),
            ("s2_run_t1", "run", ["watch"]),
            ("s2_walk_t1", "walk", ["phone"]),
        ]

    def test_activities_that_are_joined_stay_apart_in_all_streams(self, listed: Any) -> None:
        found = listed(
            ["watch/S1A1T1.csv", "watch/S1A2T1.csv", "phone/1_1_1.txt", "phone/1_2_1.txt"],
            streams={"watch": WATCH, "phone": PHONE},
            labels={"1": "walk", "2": "walk"},
        )
        assert [(r.id, sorted(r.streams)) for r in found.recordings] == [
            ("s1_1_t1", ["phone", "watch"]),
            ("s1_2_t1", ["phone", "watch"]),
        ]

    @pytest.mark.parametrize(
        ("streams", "said"),
        [
            ({"watch": {"files": "{label}.csv", "rate": 1}}, "no pattern of `files` has a part {subject}"),
            ({"watch": {"files": "{subject}.csv", "rate": 1}}, "{label}"),
            (
                {
                    "watch": {"files": "{subject}_{label}_{day}.csv", "rate": 1},
                    "phone": {"files": "{subject}-{label}-{hour}.csv", "rate": 1},
                },
                r"phone.files: names recordings by {hour}, {label}, {subject}, watch by {day}, {label}, {subject}",
            ),
            ({"watch": WATCH}, "holds no recordings; .*expected files like watch/S{subject}A{label}T{session}.csv"),
        ],
    )
    def test_what_does_not_say_whose_files_are(self, listed: Any, streams: Any, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            listed(["x.bin"], streams=streams)

    def test_no_folder(self, tmp_path: Path) -> None:
        params = msgspec.convert({"root": ".", "classes": ["a", "b"], "streams": {"watch": WATCH}}, Params)
        with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
            list_recordings(find_files(tmp_path / "nowhere", params), tmp_path / "nowhere", params)


TABLE = "id,subject,label,watch,video,age\na,01,1,raw/x.csv,,30\nb,2,run,raw/y.csv,raw/y.mp4,31\n"
NAMED_IN_TABLE: Any = {"watch": {"rate": 50}, "video": {"rate": 30, "kind": "video"}}
LONG: Any = {"imu": {"files": "{subject}.csv", "rate": 100}}


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
            ("subject,label,watch\n1,walk,x\0.csv\n", "is no text"),
            ("subject,label\n1,walk\n", "holds no recordings|no file in"),
        ],
    )
    def test_what_is_wrong_with_it(self, listed: Any, text: str, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            listed({"t.csv": text, "x.csv": ""}, streams={"watch": {"rate": 1}}, table="t.csv")

    def test_it_is_not_there(self, listed: Any) -> None:
        with pytest.raises(ConfigError, match=r"none.csv: no such table"):
            listed(["x.csv"], streams={"watch": {"rate": 1}}, table="none.csv")

    def test_other_ways_to_write_it(self, listed: Any) -> None:
        text = '\ufeff# made by hand\r\nsubject;label;watch\r\n\r\n# a comment\r\n1;walk;"x;1.csv"\r\n'
        table = {"file": "t.csv", "csv": {"comment": "#"}}
        found = listed(
            {"t.csv": text, "x;1.csv": ""}, streams={"watch": {"rate": 1}}, table=table | {"csv": {"comment": "#"}}
        )
        assert found.recordings[0].streams == {"watch": ("x;1.csv",)}


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
        assert reasons(found) == {"seg.csv:5": "no file has what this segment is of"}

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

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("subject,start,end,label\n1,5,5,walk\n", "seg.csv:2: goes from 5 to 5 s"),
            ("subject,start,end,label\n1,x,5,walk\n", "seg.csv:2: start is 'x', wanted a number of s"),
            ("subject,start,label\n1,5,walk\n", "has no column end"),
        ],
    )
    def test_what_is_wrong_with_its_table(self, listed: Any, text: str, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            listed({"1.csv": "", "seg.csv": text}, streams=LONG, segments={"files": "seg.csv"})


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"classes": ["a"]}, "classes: must be different names, at least two"),
        ({"classes": ["a", "a"]}, "classes: must be different names"),
        ({"labels": {"1": "c"}}, "labels: 1 is to be c, which is not among"),
        ({"streams": {}}, "streams: names none"),
        ({"streams": {"watch": {"rate": 1}}}, "streams: watch has no `files`"),
        ({"streams": {"watch": {"rate": 1, "files": "{x"}}}, "streams: watch: files:"),
        ({"modalities": {"m": {"streams": []}}}, "modalities: m has no streams"),
        ({"modalities": {"m": {"streams": ["foot"]}}}, "modalities: m names foot, which is no stream"),
        ({"segments": {}}, "segments: has none of"),
        ({"segments": {"files": "a.csv", "column": "b"}}, "segments: has `files` and `column`"),
        ({"segments": {"column": "b", "stream": "foot"}}, "segments: foot is no stream"),
        ({"segments": {"column": "b", "rest": "none"}}, "segments: rest: none is not among"),
        ({"ignore": ["/x"]}, "ignore: '/x' is no path below the root"),
    ],
)
def test_a_description_that_says_nothing_sensible(described: Any, said: str) -> None:
    body = {"root": ".", "classes": ["a", "b"], "streams": {"watch": WATCH}, **described}
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(body, Params)
