"""Outputs whose bytes are those of their manifests, and which lie all the same: named, never a traceback."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load, save

from pipeline.plan.recordings.output_readers import broken_items, index_rows, metrics_of, predictions_of
from pipeline.run.jobs import make_job
from pipeline.run.step.execute import execute
from pipeline.run.step.validate_inputs import HEADER_BYTES
from store import Store
from store.errors import CorruptManifest, CorruptObject
from store.reading.output import Output

Change = Callable[[bytes], bytes]


@pytest.fixture
def copy(finished: Any, tmp_path: Path) -> Any:
    return finished.copy(tmp_path / "copy")


def lie(project: Any, stage: str, path: str, change: Change) -> Output:
    """Change an object of every output of a stage, and the manifest with it; return the last."""
    folders = sorted(project.store.glob(f"outputs/{stage}/*"))
    for folder in folders:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest.pop("sha256", None)
        file = folder / manifest["attempt"] / path
        file.write_bytes(change(file.read_bytes()))
        data = file.read_bytes()
        for entry in manifest["objects"]:
            if entry["path"] == path:
                entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return Store.open(str(project.store)).output(stage, folders[-1].name)


def evaluate(project: Any) -> None:
    """Do one evaluate step again: it reads the index's, the features' and a model's output."""
    plan = project.plan()
    step = next(step for step in plan.steps.values() if step.stage == "evaluate")
    project.remove(step.stage, step.key)
    execute(make_job(plan, step, "cpu"), lambda *_: None)


def described(**changes: Any) -> Change:
    """Return what changes a saved model's description of itself."""

    def change(data: bytes) -> bytes:
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        told = json.loads(header["__metadata__"]["json"])
        return bytes(save(load(data), {"json": json.dumps({**told, **changes})}))

    return change


def header(content: bytes) -> Change:
    return lambda data: len(content).to_bytes(8, "little") + content


DEEP = b"[" * 100_000


class TestModels:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda data: b"", "0 bytes"),
            (lambda data: data[:100], "header has"),
            (lambda data: (2**63).to_bytes(8, "little") + data[8:], "header has"),
            (lambda data: (HEADER_BYTES + 1).to_bytes(8, "little") + bytes(HEADER_BYTES + 100), "header has"),
            (header(b"{}"), "__metadata__"),
            (header(DEEP), "saved model"),
            (header(b'{"__metadata__": {"json": "' + DEEP + b'"}}'), "saved model"),
            (header(b'{"__metadata__": []}'), "saved model"),
            (described(model="dmft-giant"), "the model of its recipe"),
            (described(params={"hidden": 10**6}), "the model of its recipe"),
            (described(classes=["a"] * 10**4), "the model of its recipe"),
            (described(shapes=[["skeleton", 2**31, 2**31]]), "has the shape"),
            (described(shapes=[["skeleton", -1, 4]]), "has the shape"),
            (described(shapes=[["skeleton"]]), "saved model"),
            (described(shapes=[["skeleton", 100, 160_000], ["inertial", 100, 160_000]]), "asks for more weights"),
            (described(shapes=[["skeleton", 3, 4], ["inertial", 5, 6]]), "cannot be loaded|can be loaded"),
            (lambda data: bytes(save({"a": torch.zeros(1)}, {"json": _told(data)})), "can be loaded"),
        ],
    )  # fmt: skip
    def test_one_that_is_none(self, copy: Any, change: Change, words: str) -> None:
        lie(copy, "train", "model.safetensors", change)
        lie(copy, "distil", "model.safetensors", change)
        with pytest.raises(CorruptObject, match=rf"(?s)model\.safetensors is not.*({words}).*Run again") as error:
            evaluate(copy)
        assert error.value.stage in ("train", "distil")


def _told(data: bytes) -> str:
    size = int.from_bytes(data[:8], "little")
    return str(json.loads(data[8 : 8 + size])["__metadata__"]["json"])


def attributes(**changes: Any) -> Change:
    def change(data: bytes) -> bytes:
        group = json.loads(data)
        group["attributes"] = {k: v for k, v in {**group["attributes"], **changes}.items() if v != "gone"}
        return json.dumps(group).encode()

    return change


class TestFeatures:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (attributes(kind="gone"), "kind"),
            (attributes(kind="smell"), "kind"),
            (attributes(kind="video"), "its recipe of another"),
            (attributes(window=0), "window"),
            (attributes(window=2**62), "window"),
            (attributes(stride="1"), "stride"),
            (attributes(patches=3), "its attributes say"),
            (attributes(velocities=[]), "velocities"),
            (attributes(reduce="pickle"), "reduce"),
            (attributes(vertical_axis=7), "vertical_axis"),
        ],
    )
    def test_attributes_of_something_else(self, copy: Any, change: Change, words: str) -> None:
        lie(copy, "encode", "zarr.json", change)
        with pytest.raises(CorruptObject, match=rf"zarr\.json is not that of encode features: .*{words}"):
            evaluate(copy)

    def test_another_recipe(self, copy: Any) -> None:
        from store.manifest.validation import family_of

        for file in copy.store.glob("outputs/encode/*/manifest.json"):
            manifest = json.loads(file.read_bytes())
            manifest["recipe"]["params"]["window"] = 99
            manifest.pop("sha256")
            file.write_text(json.dumps({**manifest, "family": family_of(manifest["recipe"])}))
        with pytest.raises(CorruptManifest, match="its key is not that of its recipe"):
            evaluate(copy)


class TestTables:
    @pytest.mark.parametrize("content", [b"", b"[]", b"[1]", b'{"top1": "all"}', DEEP, b"\xff", b'{"top1": 1e999}'])
    def test_metrics(self, copy: Any, content: bytes) -> None:
        output = lie(copy, "evaluate", "metrics.json", lambda data: content)
        with pytest.raises(CorruptObject, match=r"metrics\.json is not what such an output holds"):
            metrics_of(output)

    @pytest.mark.parametrize("content", [b"\n", b"[]", b"{}", DEEP, b'{"recording": 1}', b'"' + b"x" * (2 << 20)])
    def test_lines(self, copy: Any, content: bytes) -> None:
        for stage, path, read in (
            ("evaluate", "predictions.jsonl", predictions_of),
            ("index", "recordings.jsonl", index_rows),
        ):
            output = lie(copy, stage, path, lambda data: data + content)
            with pytest.raises(CorruptObject, match=rf"{path}, line \d+, (is not what|has more than)"):
                list(read(output))

    @pytest.mark.parametrize("content", [b"{}", b"[{}]", b'[{"recording": null}]', DEEP])
    def test_broken(self, copy: Any, content: bytes) -> None:
        output = lie(copy, "index", "broken.json", lambda data: content)
        with pytest.raises(CorruptObject, match=r"broken\.json is not what such an output holds"):
            broken_items(output)

    def test_right_ones(self, finished: Any) -> None:
        store = Store.open(str(finished.store))
        key = next(finished.store.glob("outputs/index/*")).name
        rows = [msgspec.to_builtins(row) for row in index_rows(store.output("index", key))]
        raw = store.output("index", key).read_bytes("recordings.jsonl").splitlines()
        names = rows[0].keys() - {
            "streams",
            "columns",
        }  # the lock knows the files; columns are there where there are any
        assert [{name: row[name] for name in names} for row in rows] == [
            {name: json.loads(line)[name] for name in names} for line in raw
        ]
        assert len(rows) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", [("evaluate", "metrics.json"), ("train", "model.safetensors"), ("encode", "zarr.json")]
)
def test_a_run_sets_them_aside_and_makes_them_again(copy: Any, where: tuple[str, str]) -> None:
    lie(copy, *where, lambda data: b"{}")
    if where[0] != "evaluate":
        for folder in copy.store.glob("outputs/evaluate/*"):
            (folder / "manifest.json").unlink()
    copy.command("run")
    assert list(copy.store.glob(f"quarantine/{where[0]}/*/*/why.json"))
    assert "teacher" in copy.command("results").stdout
    Store.open(str(copy.store)).output(where[0], sorted(copy.store.glob(f"outputs/{where[0]}/*"))[0].name).verify()
