"""A source, model or loss of one's own that does not keep its contract: whose mistake, where, and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from pipeline.errors import BadRecording, ContractError
from pipeline.registry import import_object
from pipeline.run.messages import StepFailed
from pipeline.run.step.failures import capture_failure
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series
from pipeline.sources.time_limits import DEFAULT
from pipeline.sources.validate_listing import check_root, check_source, validated_listing
from pipeline.sources.validate_streams import frames_of, probed, series_of, video_of
from trainers.errors import TrainingError
from trainers.fit.output_checks import checked_loss, checked_output, embedding_width

STREAMS = {"acc": ("acc/a.csv",)}
GOOD = Recording("a", "1", "wave", "1", streams=STREAMS)


class Own:
    """A source of one's own; tests replace what it gives."""

    name = "own"
    root = Path("own")
    classes: Any = ("wave", "clap")

    def __init__(self, **gives: Any) -> None:
        self.gives = gives
        self.modalities: Any = {
            "acc": Modality("series", ("acc",), 50.0),
            "rgb": Modality("video", ("rgb",), 30.0),
        }

    def give(self, what: str) -> Any:
        given = self.gives[what]
        return given() if callable(given) else given

    def list(self) -> Any:
        return self.give("list")

    def probe(self, recording: Recording, stream: str) -> Any:
        return self.give("probe")

    def open_series(self, recording: Recording, stream: str) -> Any:
        return self.give("series")

    def open_video(self, recording: Recording, stream: str) -> Any:
        return self.give("video")


class OwnVideo:
    length: Any = 2

    def __init__(self, frames: Callable[[], Any]) -> None:
        self._frames = frames

    def frames(self, wanted: Any = None, side: Any = None) -> Any:
        return self._frames()


def changed(**fields: Any) -> Recording:
    return msgspec.structs.replace(GOOD, **fields)


def values(rows: int = 4, **options: Any) -> Any:
    return np.ones((rows, 3), **options)


def mistake(work: Callable[[], object]) -> str:
    with pytest.raises(ContractError) as caught:
        work()
    first, remedy = str(caught.value).split("\n")
    assert first.startswith(f"source own ({__name__}): ")
    assert remedy == "  fix it there; pipeline/sources/base.py says what is wanted"
    return first.partition("): ")[2]


class TestListing:
    @pytest.mark.parametrize(
        ("recordings", "said"),
        [
            ([changed(action="run")], "recording a has the action 'run', which is not among the source's classes"),
            ([GOOD, GOOD], "two recordings have the id a"),
            ([changed(id="b"), GOOD], "a comes after b, wanted them sorted by id"),
            ([changed(subject=1)], "recording a has the subject 1, wanted text"),
            ([changed(session="")], "recording a has the session '', wanted text"),
            ([changed(id="caf\udce9")], "has an id, a subject or a session that is not UTF-8"),
            ([changed(streams={"gyro": ("a.csv",)})], "recording a has the stream 'gyro', which no modality has"),
            ([changed(streams={"acc": "a.csv"})], "has str as the files of acc, wanted a tuple of paths"),
            ([changed(streams={"acc": ("/etc/passwd",)})], "'/etc/passwd' of acc, wanted a path below the root"),
            ([changed(streams={"acc": ("a/../../b",)})], "'a/../../b' of acc, wanted a path below the root"),
            ([changed(streams={"acc": (Path("a"),)})], "wanted a path below the root"),
            ([changed(streams={"acc": ("caf\udce9",)})], "whose name is not UTF-8"),
            ([changed(start=3.0, end=2.0)], "recording a goes from 3.0 to 2.0 s"),
            ([changed(columns=["hand"])], "recording a has list as its columns, wanted text by name"),
            ([changed(columns={"age": 30})], "recording a has 30 in the column 'age', wanted text"),
            ([changed(columns={"age": ""})], "recording a has '' in the column 'age', wanted text"),
            ([changed(columns={"view": "2"})], "has the column 'view', which is the name of a field that every"),
            ([changed(columns={"age": "caf\udce9"})], "in the column 'age', which is not UTF-8"),
            (["a"], "holds a str, wanted a Recording"),
        ],
    )
    def test_what_is_wrong(self, recordings: list[Any], said: str) -> None:
        assert said in mistake(lambda: validated_listing(Own(list=Listing(tuple(recordings)))))

    def test_no_listing(self) -> None:
        assert mistake(lambda: validated_listing(Own(list=[]))) == "list gave list, wanted a Listing"

    def test_what_it_raises(self) -> None:
        found = mistake(lambda: validated_listing(Own(list=lambda: {"wave": 1}["run"])))
        assert found.startswith("list raised KeyError at ")
        assert "test_base.py:" in found
        assert found.endswith(": 'run'")

    def test_a_good_one(self) -> None:
        streams = {"acc": ("a..b/c",), "rgb": ("vidéo.mp4",)}
        listing = Listing((GOOD, changed(id="é b", start=1.0, end=2.5, streams=streams)))
        assert validated_listing(Own(list=listing)) is listing


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"classes": ["wave"]}, "classes is ['wave'], wanted a tuple of names"),
        ({"classes": ("wave", "wave")}, "classes names one twice"),
        ({"modalities": ["acc"]}, "modalities is list, wanted Modality by name"),
        ({"modalities": {"acc": Modality("series", ("acc",), 0.0)}}, "wanted a kind, streams and a rate in Hz"),
        ({"modalities": {"acc": Modality("serie", ("acc",), 1.0)}}, "wanted a kind, streams and a rate in Hz"),  # type: ignore[arg-type]
    ],
)
def test_what_a_source_says_of_itself(attributes: Mapping[str, Any], said: str) -> None:
    source = Own()
    vars(source).update(attributes)
    assert said in mistake(lambda: check_source("own", source))


def test_a_source_of_another_name() -> None:
    with pytest.raises(ContractError, match="its table calls it mine, wanted name = 'mine'"):
        check_source("mine", Own())


class Generating(Own):
    def recipe(self) -> dict[str, object]:
        return {}

    def ensure(self, progress: Any = None) -> None:
        pass


class TestRoot:
    def test_a_folders_reader_has_one_and_a_generator_none(self) -> None:
        check_root("own", Own, "data")
        check_root("own", Generating, None)

    @pytest.mark.parametrize("root", [None, Path("data")])
    def test_neither(self, root: Any) -> None:
        said = mistake(lambda: check_root("own", Own, root))
        assert said == "its Params has no `root: str`, and it is no generator, which has `recipe` and `ensure`"

    def test_both(self) -> None:
        assert "has `recipe`, as a generator, and its Params has a root" in mistake(
            lambda: check_root("own", Generating, "data")
        )

    def test_a_generator_that_makes_nothing(self) -> None:
        made = type("Mine", (Own,), {"recipe": None, "__module__": __name__})
        assert "and no `ensure`" in mistake(lambda: check_root("own", made, None))


class TestSeries:
    def read(self, series: Any) -> Series:
        return series_of(Own(series=series), GOOD, "acc", DEFAULT)

    @pytest.mark.parametrize(
        ("series", "said"),
        [
            (None, "is NoneType, wanted real numbers (T, C) or (T, joints, 3)"),
            (Series([[1.0]]), "is list, wanted real numbers"),  # type: ignore[arg-type]
            (Series(np.ones(4)), "is float64 (4,), wanted real numbers"),
            (Series(values(dtype=np.complex128)), "is complex128 (4, 3), wanted real numbers"),
            (Series(values(dtype=object)), "is object (4, 3), wanted real numbers"),
            (Series(values(), np.arange(3.0)), "are float64 (3,), wanted one number for each of 4"),
            (Series(values(), [0.0, 1.0]), "are list, wanted one number for each of 4"),  # type: ignore[arg-type]
            (
                Series(values(), np.array([0.0, 2.0, 1.0, 3.0])),
                "not in order: sample 2 is at 1.0 s, the one before it at",
            ),
            (Series(values(), np.array([0, 3, 1, 2], np.uint8)), "not in order: sample 2 is at 1 s, the one before"),
        ],
    )
    def test_what_is_wrong(self, series: Any, said: str) -> None:
        found = mistake(lambda: self.read(series))
        assert said in found
        assert "recording a, stream acc" in found

    def test_a_word_in_a_column_of_numbers(self) -> None:
        found = mistake(lambda: self.read(lambda: float("word")))
        assert found.startswith("open_series of recording a, stream acc, raised ValueError at ")
        assert found.endswith(
            "could not convert string to float: 'word'; for a file that cannot be used, raise BadRecording"
        )

    def test_errors_of_the_system_pass(self) -> None:
        def fail() -> None:
            raise OSError(5, "Input/output error")

        with pytest.raises(OSError, match="Input/output error"):
            self.read(fail)

    def test_a_recording_without_the_stream(self) -> None:
        bare = changed(streams={})
        with pytest.raises(BadRecording, match="has no acc file"):
            series_of(Own(series=lambda: bare.streams["acc"]), bare, "acc", DEFAULT)

    @pytest.mark.parametrize(
        ("series", "reason"),
        [
            (Series(values(0)), "has no samples"),
            (Series(values() * np.nan), "has a value that is not finite"),
            (Series(values() * -1e300), "has a value of 1e+300, more than single precision holds"),
            (Series(values(), np.array([0.0, 1.0, 2.0, 90000.0])), "has 89998 s between two samples"),
            (Series(values(3), np.array([0.0, 1.0, np.inf])), "a time that is not finite: sample 2 is at inf s"),
            (Series(values(4), np.array([0, np.nan, 2, np.nan])), "a time that is not finite: sample 1 is at nan s"),
            (Series(values(1), np.array([np.nan])), "a time that is not finite: sample 0 is at nan s"),
        ],
    )
    def test_what_the_file_says_is_the_recordings(self, series: Series, reason: str) -> None:
        for look in (lambda: self.read(series), lambda: probed(Own(probe=Probe.of(series)), GOOD, "acc", DEFAULT)):
            with pytest.raises(BadRecording, match=reason.replace("+", r"\+")) as caught:
                look()
            assert caught.value.path == "acc/a.csv"

    def test_equal_times_and_single_precision_are_good(self) -> None:
        self.read(Series(values(dtype=np.float32), np.array([0.0, 1.0, 1.0, 2.0])))


@pytest.mark.parametrize("probe", [None, Probe(4.0, (3,)), Probe(4, [3]), Probe(-1, (3,)), Probe(4, (None,))])  # type: ignore[arg-type]
def test_probes(probe: Any) -> None:
    assert "wanted a Probe of whole numbers" in mistake(lambda: probed(Own(probe=probe), GOOD, "acc", DEFAULT))


class TestVideos:
    @pytest.mark.parametrize("length", [None, 2.0, -1, True])
    def test_lengths(self, length: Any) -> None:
        video = OwnVideo(list)
        video.length = length
        assert "wanted a Video with its length" in mistake(lambda: video_of(Own(video=video), GOOD, "rgb"))

    @pytest.mark.parametrize(
        ("frame", "said"),
        [
            (np.ones((4, 6, 3)), "gave float64 (4, 6, 3), wanted uint8 (H, W, 3) or uint16 (H, W)"),
            (np.ones((4, 6), np.uint8), "gave uint8 (4, 6), wanted"),
            (np.ones((4, 6, 4), np.uint8), "gave uint8 (4, 6, 4), wanted"),
            ("frame", "gave str, wanted"),
        ],
    )
    def test_frames(self, frame: Any, said: str) -> None:
        video = OwnVideo(lambda: iter([frame]))
        assert said in mistake(lambda: list(frames_of(Own(), GOOD, "acc", video, np.arange(1))))  # type: ignore[arg-type]

    def test_what_they_raise(self) -> None:
        video = OwnVideo(lambda: (1 // zero for zero in [0]))
        found = mistake(lambda: list(frames_of(Own(), GOOD, "acc", video, np.arange(1))))  # type: ignore[arg-type]
        assert found.startswith("frames of recording a, stream acc, raised ZeroDivisionError at ")


class Model(nn.Module):
    pass


def output(**changes: Any) -> dict[str, Any]:
    logits = torch.zeros(4, 5)
    return {"logits": logits, "embedding": torch.zeros(4, 2), "streams": {"a": logits}, "maps": (), **changes}


class TestModels:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (torch.zeros(4, 5), "gave Tensor, wanted a dict of logits, embedding, streams and maps"),
            ({"logits": torch.zeros(4, 5)}, "gave logits, wanted a dict"),
            (output(streams={}), "gave no streams"),
            (output(logits=torch.zeros(5)), "gave float32 (5,) as logits, wanted (4, 5)"),
            (output(logits=torch.zeros(4, 6)), "gave float32 (4, 6) as logits, wanted (4, 5)"),
            (output(streams={"a": torch.zeros(3, 5)}), "gave float32 (3, 5) as a, wanted (4, 5)"),
            (output(embedding=None), "gave NoneType as embedding, wanted (4, E)"),
        ],
    )
    def test_outputs(self, given: Any, said: str) -> None:
        with pytest.raises(TrainingError) as caught:
            checked_output(Model(), given, 4, 5)
        assert str(caught.value).startswith(f"model Model ({__name__}): {said}")

    def test_a_good_output(self) -> None:
        given = output()
        assert checked_output(Model(), given, 4, 5) is given

    def test_without_the_width_of_its_embedding(self) -> None:
        with pytest.raises(TrainingError, match=r"model Model \(.*\): has no embedding_width, wanted the width"):
            embedding_width(Model())

    @pytest.mark.parametrize("loss", [None, 0.5, torch.zeros(4)])
    def test_losses(self, loss: Any) -> None:
        with pytest.raises(TrainingError, match=r"loss Model \(.*\): gave .*, wanted a tensor of one number"):
            checked_loss(Model(), loss)

    def test_what_one_raises_is_told_as_its_own(self) -> None:
        from trainers.models.cnn1d.model import CNN1D

        found = capture_failure("store", lambda: CNN1D({"inertial:series": (20, 6)}, 5, None))  # type: ignore[arg-type]
        assert isinstance(found, StepFailed)
        assert found.message.startswith("model cnn1d (trainers.models.cnn1d.model) raised AttributeError at ")
        assert "defect of harvest" not in found.message
        assert found.internal_error


@pytest.mark.parametrize("reference", ["pipeline.sources.gone:Params", "pipeline.sources.utd_mhad:Gone"])
def test_a_line_that_names_nothing(reference: str) -> None:
    with pytest.raises(ContractError, match=rf"{reference}: cannot be imported .*\n  fix the module, or the line"):
        import_object(reference)


SOURCE = """
import msgspec
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series

class Params(msgspec.Struct, frozen=True):
    root: str

class Mine:
    name, classes = "mine", ("walk", "sit")
    modalities = {"acc": Modality("series", ("acc",), 50.0)}
    def __init__(self, root, params):
        self.root = root
    def list(self):
        rows = []
        for path in sorted((self.root / "acc").iterdir()):
            subject, label = path.stem.split("_")
            action = {"w": "walk", "s": "sit"}[label]
            rows.append(Recording(path.stem, subject, action, "1", streams={"acc": (f"acc/{path.name}",)}))
        return Listing(tuple(rows))
    def probe(self, recording, stream):
        return Probe.of(self.open_series(recording, stream))
    def open_series(self, recording, stream):
        import numpy as np
        lines = (self.root / recording.streams[stream][0]).read_text().splitlines()
        return Series(np.array([[float(x) for x in line.split()] for line in lines]))
"""


def test_a_run_with_a_source_of_ones_own(project: Any, code: Path, tmp_path: Path) -> None:
    project.code = code
    (code / "pipeline/sources/mine.py").write_text(SOURCE)
    names = code / "pipeline/registry.py"
    line = '    "mine": Entry("pipeline.sources.mine:Params", "pipeline.sources.mine:Mine"),\n'
    text = names.read_text()
    names.write_text(text.replace('    "sample": Entry', f'{line}    "sample": Entry', 1))
    data = tmp_path / "data" / "acc"
    data.mkdir(parents=True)
    for name in ("1_w", "1_s", "2_w", "2_s"):
        (data / f"{name}.txt").write_text("1 2\n3 4\n" * 30)
    project.write(
        {
            "source": {"name": "mine", "root": str(data.parent)},
            "modalities": ["acc"],
            "protocol": "subject-50-50",
            "stages": {"encode": {}},
        }
    )
    (data / "1_run.txt").write_text("1 2\n")
    err = project.command("status", code=1).stderr
    assert "source mine (pipeline.sources.mine): list raised KeyError at pipeline/sources/mine.py:17: 'run'" in err
    (data / "1_run.txt").unlink()
    (data / "1_w.txt").write_text("1 2\n3 four\n")
    err = project.command("run", code=1).stderr
    assert "probe of recording 1_w, stream acc, raised ValueError at pipeline/sources/mine.py:25" in err
    assert "could not convert string to float: 'four'" in err
    assert "defect" not in err
    (code / "pipeline/sources/mine.py").write_text(SOURCE.replace("root: str", "folder: str"))
    settings = ("--set", "source={name: mine, folder: data}")
    err = project.command("status", *settings, code=1).stderr
    assert "source mine (pipeline.sources.mine): its Params has no `root: str`, and it is no generator" in err
