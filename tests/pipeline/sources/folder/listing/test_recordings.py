"""Which recordings a folder as people have it holds, by the names of its files, and whose these are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.errors import ConfigError
from pipeline.sources.folder.listing.files import find_files
from pipeline.sources.folder.listing.recordings import list_recordings
from pipeline.sources.folder.params import Params, Segments

from .made_up import PHONE, WATCH, FakeLook, brief, reasons


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
