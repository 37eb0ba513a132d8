"""What people's folders have wrong, in a whole experiment: what it costs, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError, StepError

WATCH = {"rate": 50, "files": "watch/P{subject}_{label}.csv", "time": {"column": "t"}, "units": "m/s2"}
LONG = {"rate": 50, "files": "watch/P{subject}.csv", "time": {"column": "t"}, "columns": ["ax", "ay"]}
STAGES = {"encode": {}, "model": {"stage": "train", "needs": ["encode"], "model": "cnn1d", "fit": {"epochs": 1}}}


def rows(samples: int, *labels: str) -> str:
    """A table of 50 Hz whose samples have each label as long as the others."""
    lines = [f"{n / 50},{n % 7},{n % 5}" for n in range(samples)]
    if labels:
        lines = [f"{line},{labels[n * len(labels) // samples]}" for n, line in enumerate(lines)]
    return "\n".join(["t,ax,ay,act" if labels else "t,ax,ay", *lines, ""])


@pytest.fixture
def described(project: Any) -> Callable[..., Any]:
    """Write files and a stages file about them; a class is called as the files call it."""

    def described(files: dict[str, str], streams: dict[str, Any], **source: Any) -> Any:
        skip = source.pop("on_bad_recording", "fail")
        for name, text in files.items():
            path: Path = project.folder / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        body = {"name": "folder", "root": "data", "classes": ["walk", "run"], "streams": streams, **source}
        rest = {"modalities": [*streams], "protocol": "loso", "on_bad_recording": skip, "stages": STAGES}
        return project.write({"source": body, **rest})

    return described


def trials(*labels: str, subjects: int = 2) -> dict[str, str]:
    return {f"watch/P{subject}_{label}.csv": rows(200) for subject in range(1, subjects + 1) for label in labels}


def reasons(plan: Any) -> dict[str, str]:
    return {each.path: each.reason for each in plan.unparsed}


def test_a_class_without_a_usable_recording_is_noted(described: Any) -> None:
    files = {**trials("walk", "run"), "watch/P1_hop.csv": "", "watch/P2_hop.csv": "t,ax,ay\n1,x,2\n"}
    project = described(files, {"watch": WATCH}, classes=["walk", "run", "hop", "jump"], on_bad_recording="skip")
    note = "classes: no recording that can be used is of"
    assert f"{note} jump" in project.plan().notes  # before anything is read
    project.run(until="index")
    assert f"{note} hop, jump" in project.plan().notes


WINDOWS: Any = {"segments": {"windows": {"seconds": 2}}}


class TestAFileUnderWindows:
    def broken(self, project: Any) -> dict[str, list[str]]:
        project.run(until="index")
        return {recording: [*of.values()] for recording, of in project.plan().broken.items() if recording}

    def test_an_empty_cell_costs_its_window(self, described: Any) -> None:
        files = trials("walk", "run")
        files["watch/P1_walk.csv"] = files["watch/P1_walk.csv"].replace("\n2.04,4,2\n", "\n2.04,,2\n")
        project = described(files, {"watch": WATCH}, **WINDOWS, on_bad_recording="skip")
        (reason,) = self.broken(project).pop("s1_walk_000002.000")
        assert reason.startswith("watch/P1_walk.csv: line 104, column 2 (`ax`): no value; 1 of 200 are missing")
        assert len(self.broken(project)) == 1
        assert len(project.plan().table.listing.recordings) == 8

    @pytest.mark.parametrize("content", ["t,ax,ay\n0,x,1\n0.02,1,1\n", "", "PK\0\0", "t,ax\n0,1\n"])
    def test_one_that_cannot_be_read_costs_itself(self, described: Any, content: str) -> None:
        files = {**trials("walk", "run"), "watch/P1_walk.csv": content}
        project = described(files, {"watch": {**WATCH, "columns": ["ax", "ay"]}}, **WINDOWS)
        with pytest.raises(StepError, match=r"1 file cannot be used:\n  watch/P1_walk.csv: "):
            project.run(until="index")
        project = described({}, {"watch": {**WATCH, "columns": ["ax", "ay"]}}, **WINDOWS, on_bad_recording="skip")
        assert [*self.broken(project)] == ["s1_walk"]
        assert len(project.plan().table.listing.recordings) == 7

    def test_one_that_says_its_labels_itself(self, described: Any) -> None:
        files = {f"watch/P{n}.csv": rows(400, "walk", "run") for n in (1, 2, 3)}
        files["watch/P1.csv"] = files["watch/P1.csv"].replace("\n0.04,2,2,", "\n0.04,,2,")
        files["watch/P2.csv"] = files["watch/P2.csv"].replace("\n0.04,2,2,", "\n0.04,a,2,")
        segments = {"column": "act", "windows": {"seconds": 2}}
        project = described(files, {"watch": LONG}, segments=segments, on_bad_recording="skip")
        assert [*self.broken(project)] == ["s1_walk_000000.000"]
        assert reasons(project.plan())["watch/P2.csv"].startswith("line 4, column 2 (`ax`): 'a' is no number")
        assert len(project.plan().table.listing.recordings) == 8


class TestATableOfSegments:
    def files(self, *lines: str, table: str = "segments.csv") -> dict[str, str]:
        watch = {f"watch/P{subject}.csv": rows(600) for subject in (1, 2, 3)}
        return {**watch, table: "\n".join(["subject,start,end,label", *lines, ""])}

    def test_lines_of_nobody_and_files_of_no_line_are_told_with_what_is_nearest(self, described: Any) -> None:
        lines = ["1,0,5,walk", "1,5,9,run", "2,0,5,walk", "2,5,9,run", "P3,0,5,walk", "P3,5,9,run"]
        project = described(self.files(*lines), {"watch": LONG}, segments={"files": "segments.csv", "rest": "walk"})
        plan = project.plan()
        assert {each.subject for each in plan.table.listing.recordings} == {"1", "2"}  # 3 is not all rest
        assert reasons(plan) == {
            "segments.csv:6": "no file is of subject P3; the nearest there is: subject 3 (2 segments)",
            "watch/P3.csv": "no segment is of subject 3; the nearest there is: subject P3",
        }

    def test_a_table_that_is_empty_leaves_its_recording_to_the_rest(self, described: Any) -> None:
        files = {
            **self.files(table="x.csv"),
            "labels/1.csv": "start,end,label\n2,5,run\n",
            "labels/2.csv": "start,end,label\n",
        }
        plan = described(files, {"watch": LONG}, segments={"files": "labels/{subject}.csv", "rest": "walk"}).plan()
        assert {(each.subject, each.action, each.start) for each in plan.table.listing.recordings} == {
            ("1", "walk", 0.0), ("1", "run", 2.0), ("1", "walk", 5.0), ("2", "walk", 0.0)
        }  # fmt: skip
        assert [*reasons(plan)] == ["watch/P3.csv"]

    def test_a_table_that_fits_no_file(self, described: Any) -> None:
        project = described(
            self.files("P1,0,5,walk", "P2,5,9,run"), {"watch": LONG}, segments={"files": "segments.csv"}
        )
        said = r"segments.csv:2: no file is of subject P1; the nearest there is: subject 1\n  none of 2 segments"
        with pytest.raises(ConfigError, match=said):
            project.plan()


def test_a_label_of_no_class_is_told_once(described: Any) -> None:
    files = {**trials("walk", "run", "walkk", subjects=4), "watch/P2_hop.csv": rows(50)}
    assert reasons(described(files, {"watch": WATCH}).plan()) == {
        "watch/P1_walkk.csv": (
            "label 'walkk' (4 recordings) is no class; did you mean walk? add it to `classes`, or to `labels` (null "
            "leaves it out)"
        ),
        "watch/P2_hop.csv": "label 'hop' is no class; add it to `classes`, or to `labels` (null leaves it out)",
    }


class TestASkeletonOfColumns:
    @pytest.mark.parametrize(
        ("columns", "joints", "said"),
        [
            (["ax", "ay", "az"], [], "columns: names 3 columns of a skeleton, wanted x, y and z of each joint"),
            ([1, 2, 3, 4, 5, 6, 7], [], "columns: names 7 columns"),
            ([1, 2, 3, 4, 5, 6], "kinect20", "columns: names 6 columns of a skeleton, wanted 60: x, y and z of 20 joi"),
            ([1, 2, 3, 4, 5, 6], "kinect99", "joints: there is no layout `kinect99`"),
        ],
    )
    def test_that_are_chosen_is_told_by_the_plan(self, described: Any, columns: Any, joints: Any, said: str) -> None:
        skeleton = {**WATCH, "kind": "skeleton", "columns": columns, "joints": joints}
        with pytest.raises(ConfigError, match=f"source.streams.pose.{said}"):
            described(trials("walk", "run"), {"pose": skeleton}).plan()

    def test_that_are_found_is_told_by_the_first_read(self, described: Any) -> None:
        files = dict.fromkeys(trials("walk", "run"), "a,b,c,d,e\n1,2,3,4,5\n")
        project = described(files, {"pose": {**WATCH, "kind": "skeleton", "time": None}})
        with pytest.raises(
            StepError, match=r"P1_run.csv: has 5 columns for a skeleton, .*: choose them in columns, or say"
        ):
            project.run(until="index")


def test_a_label_that_is_left_out_is_no_change_of_the_raw_data(described: Any) -> None:
    files = trials("walk", "run", "hop")
    classes = {"classes": ["walk", "run", "hop"]}
    described(files, {"watch": WATCH}, **classes).run(until="encode")
    told = described({}, {"watch": WATCH}, **classes, labels={"hop": None}).reasons()
    unlisted = "raw files of watch: 2 no longer listed"
    assert told["index"] == ["source.labels.hop: unset -> null", unlisted, "the table of recordings changed"]
    assert told["encode[watch]"] == ["source.labels.hop: unset -> null", unlisted, "the table of recordings changed"]


def test_a_time_column_is_no_channel(described: Any) -> None:
    project = described(trials("walk", "run"), {"watch": {**WATCH, "columns": ["t", "ax"]}})
    said = r"source.streams: watch: columns: t is its time \(time.column\)\n  leave it out of `columns`"
    with pytest.raises(ConfigError, match=said):
        project.plan()
    project = described({}, {"watch": {**WATCH, "columns": [1, 2]}})
    with pytest.raises(StepError, match=r"P1_run.csv: column 1 \(`t`\) is its time \(time.column\): leave it out"):
        project.run(until="index")
