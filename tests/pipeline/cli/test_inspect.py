"""``pipeline inspect`` as a user runs it: text, JSON, pictures, and mistakes."""

from __future__ import annotations

import json
import shutil
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def stages(experiment: Path) -> str:
    """A stages file of eight recordings in UTD-MHAD's layout, depth, skeleton and inertial."""
    return str(experiment / "stages.yaml")


def texts(svg: Path) -> list[str]:
    """Return the texts of a valid SVG."""
    root = ElementTree.parse(svg).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return ["".join(each.itertext()).strip() for each in root.iter("{http://www.w3.org/2000/svg}text")]


def png_size(file: Path) -> tuple[int, int]:
    """Return width and height of a PNG, in pixels."""
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")
    wide, high = struct.unpack(">II", content[16:24])
    return wide, high


def test_a_source_as_text_and_as_a_picture(said_here: Run, stages: str, tmp_path: Path) -> None:
    shutil.rmtree(Path(stages).parent / ".store")
    found = said_here("inspect", "-f", stages, "--svg", str(tmp_path / "a.svg"))
    assert found.code == 0, found.err
    assert "utd-mhad: 8 recordings" in found.out
    assert f"picture: {tmp_path / 'a.svg'}" in found.out
    shown = texts(tmp_path / "a.svg")
    assert "utd-mhad: 8 recordings" in shown
    assert "recordings by class and subject" in shown
    assert "swipe_left" in shown
    assert {"depth", "skeleton", "inertial"} <= {*shown}
    assert any(each.startswith("inertial, for example a0") for each in shown)
    assert not (Path(stages).parent / ".store").exists()


def test_a_recording_as_text_and_as_a_picture(said_here: Run, stages: str, tmp_path: Path) -> None:
    found = said_here("inspect", "a02_s1_t2", "-f", stages, "--svg", str(tmp_path / "a.svg"))
    assert found.code == 0, found.err
    assert found.out.startswith("a02_s1_t2: swipe_right (class 1 of 0 to 26), subject 1, session 2")
    shown = texts(tmp_path / "a.svg")
    assert "a02_s1_t2: swipe_right, subject 1, session 2" in shown
    for part in ("depth (video)", "skeleton (skeleton)", "inertial (series)"):
        assert any(each.startswith(part) for each in shown), part
    assert "encode: 20 windows of 18 samples (resample)" in shown
    assert any(each.startswith("encode: patches of inertial") for each in shown)
    assert any(each.startswith("encode: what the network is given of depth") for each in shown)


def test_png(said_here: Run, stages: str, tmp_path: Path) -> None:
    for arguments in ([], ["a01_s1_t1"]):
        file = tmp_path / f"{len(arguments)}.png"
        assert said_here("inspect", *arguments, "-f", stages, "--png", str(file)).code == 0
        wide, high = png_size(file)
        assert wide > 1000
        assert high > 700


def test_json(said_here: Run, stages: str) -> None:
    facts = json.loads(said_here("inspect", "-f", stages, "--json").out)
    assert facts["recordings"] == facts["read"] == 8
    assert [each["name"] for each in facts["streams"]] == ["depth", "skeleton", "inertial"]
    facts = json.loads(said_here("inspect", "a01_s1_t1", "-f", stages, "--json").out)
    assert facts["recording"] == "a01_s1_t1"
    assert [each["problem"] for each in facts["patches"]] == ["", "", ""]


def test_without_a_picture_it_says_how_to_get_one(said_here: Run, stages: str) -> None:
    assert "as a picture: add --svg source.svg" in said_here("inspect", "-f", stages).out
    assert "as a picture: add --svg a01_s1_t1.svg" in said_here("inspect", "a01_s1_t1", "-f", stages).out


def test_its_own_picture_is_written_again_and_no_other(said_here: Run, stages: str, tmp_path: Path) -> None:
    for form in ("svg", "png"):
        own, foreign = tmp_path / f"own.{form}", tmp_path / f"foreign.{form}"
        foreign.write_bytes(b"precious")
        for _ in range(2):
            assert said_here("inspect", "-f", stages, f"--{form}", str(own)).code == 0
        said_here("inspect", "-f", stages, f"--{form}", str(foreign)).refuses(
            2, f"--{form} {foreign}: is there already, and not made by inspect", "choose another name"
        )
        assert foreign.read_bytes() == b"precious"
    assert {each.name for each in tmp_path.iterdir() if each.is_file()} == {
        "own.svg", "own.png", "foreign.svg", "foreign.png",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["a1_s1_t1"], ["there is no recording a1_s1_t1", "nearest of 8: a01_s1_t1"]),
        (["other.yaml"], ["other.yaml: is no recording", "-f other.yaml"]),
        (["out.svg"], ["out.svg: is no recording", "--svg out.svg"]),
        (["Inertial/a1_s1_t1_inertial.mat"], ["is a file of recording a01_s1_t1", "pipeline inspect a01_s1_t1"]),
        (["/tmp"], ["/tmp: is a folder, no recording", "source.root"]),
        (["--svg", "/tmp"], ["--svg /tmp: is a folder", "/tmp/inspect.svg"]),
        (["--svg", "a01_s1_t1"], ["--svg a01_s1_t1: does not end in .svg", "such as inspect.svg"]),
        (["--png", "a.svg"], ["--png a.svg: does not end in .png"]),
        (["--png", "/nowhere/a.png"], ["there is no folder /nowhere", "another place"]),
        (["--png", "a.png", "--svg", "a.svg"], ["--svg and --png exclude each other"]),
        (["a01_s1_t1", "--all"], ["RECORDING and --all exclude each other"]),
        (["a01_s1_t1", "a01_s1_t2"], ["unexpected extra argument (a01_s1_t2)"]),
        (["--set", "modalities=[depht]"], ["--set modalities", "did you mean `depth`?"]),
        (["--set", "source.root=/nowhere"], ["source.root: there is no folder /nowhere"]),
    ],
)
def test_mistakes(said_here: Run, stages: str, arguments: list[str], parts: list[str]) -> None:
    if arguments[0].startswith("Inertial"):
        names = [each.name for each in (Path(stages).parent / "data" / "Inertial").iterdir()]
        arguments = [f"Inertial/{min(names)}"]
    said_here("inspect", *arguments, "-f", stages).refuses(2, *parts)


def test_without_a_stages_file(said_here: Run, tmp_path: Path) -> None:
    said_here("inspect", "-f", str(tmp_path / "stages.yaml")).refuses(2, "no such stages file", "-f FILE")
