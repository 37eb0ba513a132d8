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
from pipeline.sources.folder.params import Params, Segments
from pipeline.sources.folder.source import Folder

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

    def test_a_part_that_some_names_lack(self, listed: Any) -> None:
        watch = {"files": "watch/S{subject}_{label}[_{session}].csv", "rate": 50}
        phone = {"files": "phone/{subject}[-{session}]/{label}.csv", "rate": 50}
        found = listed(
            ["watch/S1_walk.csv", "watch/S1_walk_2.csv", "phone/1/walk.csv", "phone/1-2/walk.csv", "phone/2/run.csv"],
            streams={"watch": watch, "phone": phone},
        )
        assert [(r.id, r.session, sorted(r.streams)) for r in found.recordings] == [
            ("s1_walk", "1", ["phone", "watch"]),
            ("s1_walk_t2", "2", ["phone", "watch"]),
            ("s2_run", "1", ["phone"]),
        ]
        assert not found.unparsed

    def test_a_session_that_is_missing_is_no_second_session_1(self, listed: Any) -> None:
        stream = {"files": "S{subject}_{label:a}[_{session}].csv", "rate": 50}
        assert len(listed(["S1_walk.csv", "S1_run_1.csv"], streams={"watch": stream}).recordings) == 2
        with pytest.raises(ConfigError, match=r"S1_walk.csv says no session, which counts as 1, as S1_walk_1.csv says"):
            listed(["S1_walk_1.csv"], streams={"watch": stream})

    def test_the_first_of_several_files_may_have_no_number(self, listed: Any) -> None:
        stream = {"files": "{subject}_{label}[_{part}].csv", "rate": 50}
        (recording,) = listed(["1_walk.csv", "1_walk_10.csv", "1_walk_9.csv"], streams={"watch": stream}).recordings
        assert recording.streams["watch"] == ("1_walk.csv", "1_walk_9.csv", "1_walk_10.csv")

    def test_two_files_of_one_name(self, listed: Any) -> None:
        stream = {"files": "{subject}_{label}_*.csv", "rate": 50}
        found = listed(["1_walk_a.csv", "1_walk_b.csv"], streams={"watch": stream})
        assert found.recordings[0].streams["watch"] == ("1_walk_a.csv",)
        assert "names the same recording as 1_walk_a.csv" in reasons(found)["1_walk_b.csv"]

    def test_the_first_pattern_that_fits_counts(self, listed: Any) -> None:
        stream = {"files": ["old/{subject}_{label}.csv", "**/{subject}-{label}.csv"], "rate": 50}
        found = listed(["old/1_walk.csv", "new/a/2-run.csv"], streams={"watch": stream})
        assert [r.subject for r in found.recordings] == ["1", "2"]

    def test_a_recording_has_the_file_of_the_first_pattern_that_fits(self, listed: Any) -> None:
        stream = {"files": ["old/{subject}_{label}_{session}.csv", "{subject}_{label}.csv"], "rate": 50}
        found = listed(["1_walk.csv", "2_run.csv", "old/1_walk_1.csv", "old/2_walk_1.csv", "old/2_run_3.csv"],
                       streams={"watch": stream})  # fmt: skip
        assert {r.id: r.streams["watch"] for r in found.recordings} == {
            "s1_walk_t1": ("old/1_walk_1.csv",), "s2_run_t3": ("old/2_run_3.csv",), "s2_walk_t1": ("old/2_walk_1.csv",)
        }  # fmt: skip
        assert reasons(found) == {
            "1_walk.csv": "old/1_walk_1.csv fits a pattern that comes first; `ignore` it",
            "2_run.csv": "old/2_run_3.csv fits a pattern that comes first; `ignore` it",
        }

    def test_of_two_files_of_one_name_the_first_pattern_takes_its_own(self, listed: Any) -> None:
        stream = {"files": ["new/{subject}_{label}.csv", "{subject}_{label}.csv"], "rate": 50}
        found = listed(["1_walk.csv", "new/1_walk.csv"], streams={"watch": stream})
        assert found.recordings[0].streams["watch"] == ("new/1_walk.csv",)
        assert "names the same recording as new/1_walk.csv" in reasons(found)["1_walk.csv"]

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
            ({"watch": {"files": "{label}[_{subject}].csv", "rate": 1}}, "watch.files: {subject} may not be missing"),
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
        with_segments = msgspec.structs.replace(params, segments=Segments(files="seg.csv"))
        with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
            list_recordings(find_files(tmp_path / "nowhere", params), tmp_path / "nowhere", with_segments, FakeLook())


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


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"classes": ["a"]}, "classes: must be different names, at least two"),
        ({"classes": ["a", "a"]}, "classes: must be different names"),
        ({"labels": {"1": "c"}}, "labels: 1 is to be c, which is not among"),
        ({"streams": {}}, "streams: names none"),
        ({"streams": {"watch": {"rate": 1}}}, "streams: watch has no `files`"),
        ({"streams": {"watch": {**WATCH, "columns": ["x", 1, "x"]}}}, "streams: watch: columns: names x twice"),
        ({"streams": {"watch": {"rate": 1, "files": "{x"}}}, "streams: watch: files:"),
        ({"modalities": {"m": {"streams": []}}}, "modalities: m has no streams"),
        ({"modalities": {"m": {"streams": ["foot"]}}}, "modalities: m names foot, which is no stream"),
        ({"segments": {}}, "segments: has none of"),
        ({"segments": {"files": "a.csv", "column": "b"}}, "segments: has `files` and `column`"),
        ({"segments": {"column": "b", "stream": "foot"}}, "segments: foot is no stream"),
        ({"segments": {"column": "b"}, "streams": {"watch": {**WATCH, "columns": ["a", "b"]}}}, "b is no channel"),
        ({"segments": {"column": "b", "rest": "none"}}, "segments: rest: none is not among"),
        ({"only": {}}, "only: says no value; for example only: {subject:"),
        ({"without": {"subject": []}}, "without: says no value"),
        ({"table": "../list.csv"}, r"table: '../list.csv' is no path below the root"),
        ({"ignore": ["/x"]}, "ignore: '/x' is no path below the root"),
    ],
)
def test_a_description_that_says_nothing_sensible(described: Any, said: str) -> None:
    body = {"root": ".", "classes": ["a", "b"], "streams": {"watch": WATCH}, **described}
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(body, Params)
