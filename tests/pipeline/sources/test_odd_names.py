"""What lies in a data folder and is no file that can be read: a sentence for each, and nobody waits for it."""

from __future__ import annotations

import os
import posixpath
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.sources.base import Source
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
from pipeline.sources.folder_listing import walk
from pipeline.sources.mmact.source import Mmact
from pipeline.sources.utd_mhad import UtdMhad

from .berkeley_mhad_files import CAMERA, SENSOR, write, write_picture
from .mmact_files import write_sensor

Make = Callable[[Path], None]


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


ODD: dict[str, tuple[Make, str]] = {
    "pipe": (os.mkfifo, "is a named pipe, not a file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
    "folder": (lambda path: path.mkdir(), "is a folder, not a file"),
    "loop": (link_to_itself, "is a link that leads to itself"),
}
odd = pytest.mark.parametrize("kind", ODD)


def unparsed(source: Source) -> dict[str, str]:
    listing = source.list()
    assert len(listing.recordings) == 1
    return {item.path: item.reason for item in listing.unparsed}


@pytest.fixture
def berkeley(tmp_path: Path) -> Path:
    write(tmp_path, [(0, 0, 1, t / 30) for t in range(40)])
    return tmp_path


@pytest.fixture
def mmact(tmp_path: Path) -> Path:
    write_sensor(tmp_path, "acc_phone_clip", np.arange(40) / 100, np.ones((40, 3)))
    return tmp_path


@odd
def test_utd_mhad(dataset: Path, kind: str) -> None:
    make, reason = ODD[kind]
    path = "Inertial/a2_s1_t1_inertial.mat"
    make(dataset / path)
    assert unparsed(UtdMhad(dataset)) == {path: reason}


@odd
def test_berkeley_mhad(berkeley: Path, kind: str) -> None:
    make, reason = ODD[kind]
    path = SENSOR.replace("r01.txt", "r02.txt")
    make(berkeley / path)
    assert unparsed(BerkeleyMhad(berkeley)) == {path: reason}


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "folder"])  # a folder is looked into
def test_a_frame_or_a_clip(berkeley: Path, mmact: Path, kind: str) -> None:
    make, reason = ODD[kind]
    write_picture(berkeley / CAMERA.format(0), np.zeros((4, 6), np.uint8))
    make(berkeley / CAMERA.format(1))
    assert unparsed(BerkeleyMhad(berkeley)) == {CAMERA.format(1): reason}
    clip = "gyro_clip/subject1/scene1/session1/carrying.csv"
    (mmact / clip).parent.mkdir(parents=True)
    make(mmact / clip)
    assert unparsed(Mmact(mmact)) == {clip: reason}


def test_a_socket(tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset / "Inertial")  # its name may have a hundred characters
    bound(Path("a2_s1_t1_inertial.mat"))
    assert unparsed(UtdMhad(dataset)) == {"Inertial/a2_s1_t1_inertial.mat": "is a socket, not a file"}


def test_a_link_to_a_file_counts_and_one_to_nothing_is_a_file_that_is_missing(dataset: Path) -> None:
    (dataset / "Inertial/a2_s1_t1_inertial.mat").symlink_to(dataset / "Inertial/a1_s1_t1_inertial.mat")
    (dataset / "Inertial/a3_s1_t1_inertial.mat").symlink_to("nowhere")
    assert [each.id for each in UtdMhad(dataset).list().recordings] == ["a01_s1_t1", "a02_s1_t1", "a03_s1_t1"]


class TestNamesThatAreNotUtf8:
    LATIN = os.fsdecode(b"a1_s1_t1_inertial caf\xe9.mat")

    def test_a_file(self, dataset: Path) -> None:
        (dataset / "Inertial" / self.LATIN).write_bytes(b"")
        found = unparsed(UtdMhad(dataset))
        assert found == {"Inertial/a1_s1_t1_inertial caf\\xe9.mat": "has a name that is not UTF-8: rename it"}
        "".join(found).encode()

    def test_a_folder(self, mmact: Path, berkeley: Path) -> None:
        for folder in (mmact / "acc_phone_clip", berkeley / "Camera/Cluster01/Cam01"):
            inside = folder / os.fsdecode(b"\xff") / "subject1"
            inside.mkdir(parents=True)
            (inside / "carrying.csv").write_bytes(b"")
        assert unparsed(Mmact(mmact)) == {
            "acc_phone_clip/\\xff/subject1/carrying.csv": "has a name that is not UTF-8: rename it"
        }
        assert unparsed(BerkeleyMhad(berkeley)) == {
            "Camera/Cluster01/Cam01/\\xff/subject1/carrying.csv": "has a name that is not UTF-8: rename it"
        }

    def test_a_folder_of_videos(self, mmact: Path) -> None:
        inside = mmact / os.fsdecode(b"trimmed_\xe9/subject1/cam1/scene1/session1")
        inside.mkdir(parents=True)
        (inside / "carrying.mp4").write_bytes(b"")
        assert list(unparsed(Mmact(mmact))) == ["trimmed_\\xe9/subject1/cam1/scene1/session1/carrying.mp4"]


class TestWalk:
    def paths(self, root: Path, folder: str) -> set[str]:
        return {posixpath.join(inside, name) for inside, files in walk(root, folder) for name, _ in files}

    def test_the_root_itself(self, tmp_path: Path) -> None:
        for path in ("one.csv", "a/two.csv", "a/b/three.csv"):
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).touch()
        assert self.paths(tmp_path, "") == {"one.csv", "a/two.csv", "a/b/three.csv"}
        assert self.paths(tmp_path, "a") == {"a/two.csv", "a/b/three.csv"}
        (tmp_path / "a/again").symlink_to(tmp_path)
        (back,) = [name for _, files in walk(tmp_path, "") for name in files if name.problem]
        assert back == ("again", "is a link back to a folder that it is in")

    @pytest.mark.parametrize("folder", ["", "a"])
    def test_hidden_files_and_folders_are_left_out(self, tmp_path: Path, folder: str) -> None:
        for path in ("a/one.csv", "a/.one.csv.part", ".git/two.csv", "a/.sync/three.csv", "a/.sync/old/four.csv"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        (tmp_path / "a/.back").symlink_to(tmp_path)
        assert self.paths(tmp_path, folder) == {"a/one.csv"}


class TestLinksThatLeadBack:
    @pytest.mark.parametrize("target", [".", "..", "../..", "../../.."])
    def test_a_folder_above_it(self, mmact: Path, target: str) -> None:
        inside = mmact / "acc_phone_clip/subject1/scene1"
        (inside / "again").symlink_to(target)
        assert unparsed(Mmact(mmact)) == {
            "acc_phone_clip/subject1/scene1/again": "is a link back to a folder that it is in"
        }

    def test_the_root_and_the_folder_itself(self, berkeley: Path) -> None:
        camera = berkeley / "Camera/Cluster01/Cam01"
        camera.mkdir(parents=True)
        for name, target in (("root", berkeley), ("cluster", camera.parent), ("self", camera)):
            (camera / name).symlink_to(target)
        assert len(unparsed(BerkeleyMhad(berkeley))) == 3

    def test_two_folders_that_lead_to_each_other(self, mmact: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        for one, other in (("a", "b"), ("b", "a")):
            (elsewhere / one).mkdir()
            (elsewhere / one / other).symlink_to(elsewhere / other)
        (mmact / "acc_phone_clip/a").symlink_to(elsewhere / "a")
        assert list(unparsed(Mmact(mmact))) == ["acc_phone_clip/a/b/a"]

    def test_links_to_folders_elsewhere_are_followed(
        self, mmact: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        disk = tmp_path_factory.mktemp("disk") / "subject1"
        shutil.move(mmact / "acc_phone_clip/subject1", disk)
        (mmact / "acc_phone_clip/subject1").symlink_to(disk)
        assert unparsed(Mmact(mmact)) == {}

    def test_a_folder_that_cannot_be_read_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "scandir", refuse)
        with pytest.raises(ConfigError, match=r"source.root: cannot read .*/caf\\xe9: Permission denied"):
            list(walk(tmp_path, os.fsdecode(b"caf\xe9")))


EXPERIMENT: dict[str, Any] = {
    "source": {"name": "utd-mhad", "root": "data"},
    "modalities": ["inertial"],
    "protocol": "subject-50-50",
    "stages": {"encode": {}},
}


def test_a_run_says_so_and_goes_on_without(project: Any, raw: Path) -> None:
    project.write({**EXPERIMENT, "source": {"name": "utd-mhad", "root": str(raw)}})
    os.mkfifo(raw / "Inertial/a9_s1_t1_inertial.mat")
    (raw / "Inertial" / os.fsdecode(b"\xe9.mat")).write_bytes(b"")
    (raw / "Inertial/a9_s1_t2_inertial.mat").symlink_to("/dev/zero")
    err = project.command("run", code=1).stderr
    assert "3 files cannot be used" in err
    for line in (
        "Inertial/\\xe9.mat: has a name that is not UTF-8: rename it",
        "Inertial/a9_s1_t1_inertial.mat: is a named pipe, not a file",
        "Inertial/a9_s1_t2_inertial.mat: is a device, not a file",
    ):
        assert f"  {line}\n" in err
    project.command("run", "--set", "on_bad_recording=skip")
    assert "Inertial/\\xe9.mat" in project.command("status", "--set", "on_bad_recording=skip").stdout
