"""Opening a model: what is none, is damaged or contradicts itself ends in one line and a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest

from pipeline.edge.card import METADATA, Span, encode_card
from pipeline.edge.export.onnx_file import with_card
from pipeline.edge.runtime.model import open_model
from pipeline.errors import ConfigError, PipelineError

from ...exported import BODY, CLASSES, WRIST, Bare, MakeModel, card_of, exported, softmax, with_metadata


def refused(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        open_model(path)
    said = str(error.value)
    assert said.startswith(f"{path}: ")
    assert len(said.splitlines()) == 2  # what is wrong, and the remedy
    return said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


@pytest.fixture(scope="module")
def good() -> bytes:
    return exported(("wrist",))


def batch_of(recordings: int, samples: int, value: tuple[float, ...]) -> dict[str, Any]:
    values = np.tile(np.array(value, np.float32), (recordings, samples, 1))
    return {"wrist": values, "wrist_time": np.tile(np.arange(samples) / 50, (recordings, 1))}


def test_a_model_answers_for_any_number_of_recordings_and_samples(path: Path, good: bytes) -> None:
    path.write_bytes(good)
    model = open_model(path)
    assert model.card.classes == CLASSES
    for recordings, samples in ((1, 1), (1, 300), (5, 40)):
        found = model.probabilities(batch_of(recordings, samples, (1, 0.5, 0)))
        np.testing.assert_allclose(found, np.tile(softmax(np.array([1, 0.5, 0])), (recordings, 1)), atol=1e-6)


def test_a_batch_that_cannot_be_computed_is_told(path: Path, good: bytes) -> None:
    path.write_bytes(good)
    model = open_model(path)
    with pytest.raises(PipelineError, match=r"small: ONNX Runtime cannot compute this batch"):
        model.probabilities({**batch_of(2, 40, (1, 0, 0)), "wrist_time": np.zeros((2, 39))[:, :0]})


class TestFiles:
    @pytest.mark.parametrize("content", [b"hello\n", b"PK\x03\x04" + bytes(60), bytes(100)])
    def test_no_onnx_file(self, path: Path, content: bytes) -> None:
        assert "is no ONNX file, or cut off" in refused(path, content)
        assert "is no ONNX file\n" in refused(path.with_suffix(".csv"), content)

    def test_an_empty_file(self, path: Path) -> None:
        assert "is empty (0 bytes)" in refused(path, b"")

    @pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
    def test_a_file_that_was_cut_off(self, path: Path, good: bytes, share: float) -> None:
        assert "cut off" in refused(path, good[: int(share * len(good))])

    @pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.97])
    def test_a_flipped_bit_anywhere(self, path: Path, good: bytes, share: float) -> None:
        content = bytearray(with_card(good, card_of(WRIST)))
        path.write_bytes(content)
        open_model(path)
        content[int(share * len(content))] ^= 1
        refused(path, bytes(content))

    def test_a_newer_onnx(self, path: Path, good: bytes) -> None:
        model = onnx.load_from_string(good)
        model.ir_version = 99
        assert "newer ONNX than ONNX Runtime" in refused(path, model.SerializeToString())
        model = onnx.load_from_string(good)
        model.opset_import[0].version = 99
        assert "newer ONNX than ONNX Runtime" in refused(path, model.SerializeToString())

    def test_an_operator_that_is_not_there(self, path: Path, good: bytes) -> None:
        model = onnx.load_from_string(good)
        model.graph.node[0].op_type = "Levitate"
        assert "needs an operator" in refused(path, model.SerializeToString())

    def test_a_graph_with_a_hole(self, path: Path, good: bytes) -> None:
        model = onnx.load_from_string(good)
        del model.graph.node[2]
        assert "is damaged" in refused(path, model.SerializeToString())


class TestCards:
    def test_none(self, path: Path, good: bytes) -> None:
        assert "without a card (harvest.card)" in refused(path, with_metadata(good, {"author": "somebody"}))

    def test_of_another_format(self, path: Path, good: bytes) -> None:
        card = encode_card(card_of(WRIST)).replace('"format":1', '"format":2')
        assert "of another format than 1\n  update harvest" in refused(path, with_metadata(good, {METADATA: card}))

    @pytest.mark.parametrize("card", ["", "{", "[]", '{"format":1}', '{"model": 3}'])
    def test_that_cannot_be_read(self, path: Path, good: bytes, card: str) -> None:
        assert "its card cannot be read" in refused(path, with_metadata(good, {METADATA: card}))

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"classes": ("walk", "run")}, "the card says [2]"),
            ({"classes": ("walk", "walk", "jump")}, "names a class twice"),
            ({"streams": (WRIST, WRIST)}, "names a stream twice"),
            ({"streams": (WRIST, BODY)}, "has no input body"),
            ({"streams": (msgspec.structs.replace(WRIST, name="hip"),), "spans": ()}, "has no input hip"),
            ({"streams": (msgspec.structs.replace(WRIST, sample=(2,)),)}, "names of 3"),
            ({"streams": (msgspec.structs.replace(WRIST, sample=(3, 3), channels=()),)}, "input wrist has shape"),
            ({"streams": (msgspec.structs.replace(WRIST, low=(0.0,)),)}, "limits of 1 and 3"),
            ({"spans": (Span(modality="arm", streams=("elbow",), align="pad"),)}, "made of elbow"),
            ({"source": {"times": {"gap": "long"}}}, "limits of times"),
        ],
    )
    def test_that_contradict_their_graph_or_themselves(
        self, path: Path, good: bytes, changes: dict[str, Any], why: str
    ) -> None:
        card = msgspec.structs.replace(card_of(WRIST), **changes)
        assert why in refused(path, with_metadata(good, {METADATA: encode_card(card)}))

    def test_beside_a_graph_of_other_types(self, path: Path, good: bytes) -> None:
        model = onnx.load_from_string(good)
        model.graph.output[0].name = "logits"
        for node in model.graph.node:
            node.output[:] = ["logits" if each == "probabilities" else each for each in node.output]
        assert "no output probabilities" in refused(path, model.SerializeToString())
        model = onnx.load_from_string(good)
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
        assert "not 2 open sizes" in refused(path, model.SerializeToString())


def test_every_module_is_imported_without_torch(without_torch: Bare, make_model: MakeModel) -> None:
    import pipeline.edge.runtime as room

    places = Path(room.__file__).parent.rglob("*.py")
    names = [
        ".".join(("pipeline.edge.runtime", *each.relative_to(Path(room.__file__).parent).with_suffix("").parts))
        for each in places
    ]
    without_torch.run("import " + ", ".join(name.removesuffix(".__init__") for name in names))
