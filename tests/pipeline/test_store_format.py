"""docs/store-format.md and docs/manifest.schema.json, held against what a run leaves and what other readers see."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import tensorstore
from hypothesis import given
from hypothesis import strategies as st

from store import Store
from store.errors import UnsafePath
from store.features import open_features
from store.manifest.schema import Manifest
from store.paths import check_path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGE = (DOCS / "store-format.md").read_text(encoding="utf-8")
SCHEMA = json.loads((DOCS / "manifest.schema.json").read_bytes())
NODE_MODULES = REPOSITORY / "tests" / "node" / "node_modules"


@pytest.fixture(scope="module")
def schema() -> Any:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


class TestManifests:
    def test_all_of_a_run_keep_to_the_schema(self, finished: Any, schema: Any) -> None:
        manifests = sorted(finished.store.glob("outputs/*/*/manifest.json"))
        assert len(manifests) == 9
        for file in manifests:
            schema.validate(json.loads(file.read_bytes()))

    def test_the_schema_names_every_member(self, schema: Any) -> None:
        assert set(Manifest.__struct_fields__) == set(SCHEMA["required"])  # the digest came later
        members = {*Manifest.__struct_fields__, "sha256"}
        assert members == set(SCHEMA["properties"])
        table = PAGE.partition("## Outputs")[2].partition("### Publishing")[0]
        assert members == set(re.findall(r"`([a-z0-9]+)`", " ".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))

    @pytest.mark.parametrize(
        "change",
        [
            {"format": 2},
            {"stage": "../x"},
            {"key": "a."},
            {"attempt": "first"},
            {"family": "abc"},
            {"inputs": ["a/b"]},
            {"objects": [{"path": "a", "size": -1, "sha256": "0" * 64}]},
            {"objects": [{"path": "a", "size": 1, "sha256": "0" * 63}]},
            {"objects": [{"path": "../a", "size": 1, "sha256": "0" * 64}]},
            {"recipe": []},
        ],
    )
    def test_it_refuses_others(self, finished: Any, schema: Any, change: dict[str, Any]) -> None:
        file = next(finished.store.glob("outputs/encode/*/manifest.json"))
        with pytest.raises(jsonschema.ValidationError):
            schema.validate({**json.loads(file.read_bytes()), **change})

    @given(
        st.lists(
            st.text("aA.:\\/ *\x01é", max_size=4) | st.sampled_from(["nul", "COM1.x", "..", "b" * 255]), max_size=5
        )
    )
    def test_it_takes_the_paths_that_readers_take(self, parts: list[str]) -> None:
        path = "/".join(parts)
        takes = jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/path", "type": "string", "required": []})
        try:
            check_path(path, "")
            safe = True
        except UnsafePath:
            safe = False
        assert takes.is_valid(path) == safe

    def test_keys_families_and_hashes_as_the_page_says(self, finished: Any) -> None:
        """A reader that was written from the page alone."""

        def digest(value: Any) -> str:
            text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            return hashlib.sha256(text.encode()).hexdigest()

        store: Path = finished.store
        assert json.loads((store / "store.json").read_bytes()) == {"format": "harvest-store", "version": 1}
        known = {"store.json", "outputs", "families", "refs", "runs", "quarantine"}
        assert {path.name for path in store.iterdir()} <= known
        keys = {path.parent.name for path in store.glob("outputs/*/*/manifest.json")}
        for file in store.glob("outputs/*/*/manifest.json"):
            manifest = json.loads(file.read_bytes())
            assert manifest["key"] == file.parent.name == digest(manifest["recipe"])
            assert manifest["stage"] == file.parent.parent.name
            without = {name: value for name, value in manifest["recipe"].items() if name not in ("raw", "rows")}
            assert manifest["family"] == digest(without)
            before, _, after = file.read_bytes().rpartition(b'"sha256"')
            assert json.loads(b'{"sha256"' + after) == {"sha256": hashlib.sha256(before).hexdigest()}
            assert set(manifest["inputs"]) <= keys
            folder = file.parent / manifest["attempt"]
            found = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
            assert found == {entry["path"] for entry in manifest["objects"]}
            for entry in manifest["objects"]:
                data = (folder / entry["path"]).read_bytes()
                assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"], entry["sha256"])
            beside = {each.name for each in file.parent.iterdir()}
            assert beside <= {"manifest.json", "lock", manifest["attempt"]}
            if "raw" in manifest["recipe"]:
                marker = store / "families" / manifest["stage"] / manifest["family"] / manifest["key"]
                assert json.loads(marker.read_bytes()) == {x: manifest[x] for x in ("created", "attempt")}


@pytest.fixture(scope="module")
def outputs(finished: Any) -> list[tuple[Path, dict[str, Any], Any]]:
    """Return the encode outputs of a run: their folders, what a program should print, and their features."""
    store = Store.open(str(finished.store))
    found = []
    for folder in sorted(finished.store.glob("outputs/encode/*")):
        features = open_features(store.output("encode", folder.name))
        values, valid = features.read("features"), features.read("valid")
        told = {"shape": list(values.shape), "sum": float(values.sum(dtype="float64")), "valid": int(valid.sum())}
        found.append((folder, told, features))
    assert len(found) == 2
    return found


class TestReaders:
    """The page's programs, tensorstore and this program read the same values."""

    @staticmethod
    def same(printed: str, told: dict[str, Any]) -> None:
        found = json.loads(printed)
        assert (found["shape"], found["valid"]) == (told["shape"], told["valid"])
        assert found["sum"] == pytest.approx(told["sum"], rel=1e-9)  # the order of summation differs

    @pytest.mark.parametrize("place", [0, 1], ids=["zarr", "xarray"])
    def test_python(self, outputs: Any, place: int) -> None:
        program = snippets("python")[place]
        for folder, told, _ in outputs:
            done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
            self.same(done.stdout, told)

    def test_javascript(self, outputs: Any, tmp_path: Path) -> None:
        node = shutil.which("node")
        if node is None or not (NODE_MODULES / "zarrita").is_dir():
            pytest.skip("needs node, and zarrita from npm: run `make tests/node/node_modules/.installed`")
        (tmp_path / "node_modules").symlink_to(NODE_MODULES)
        (tmp_path / "read.mjs").write_text(snippets("javascript")[0])
        for folder, told, _ in outputs:
            done = subprocess.run([node, tmp_path / "read.mjs", folder], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            self.same(done.stdout, told)

    def test_javascript_value_by_value(self, outputs: Any, tmp_path: Path) -> None:
        node = shutil.which("node")
        if node is None or not (NODE_MODULES / "zarrita").is_dir():
            pytest.skip("needs node, and zarrita from npm: run `make tests/node/node_modules/.installed`")
        (tmp_path / "node_modules").symlink_to(NODE_MODULES)
        head = snippets("javascript")[0].rpartition("console.log")[0]
        dump = "fs.writeFileSync(process.argv[3], new Uint8Array(features.data.buffer));"
        (tmp_path / "dump.mjs").write_text(head + dump)
        for folder, _, features in outputs:
            subprocess.run([node, tmp_path / "dump.mjs", folder, tmp_path / "values"], check=True, timeout=60)
            expected = features.read("features")
            found = np.frombuffer((tmp_path / "values").read_bytes(), expected.dtype).reshape(expected.shape)
            np.testing.assert_array_equal(found, expected)

    def test_tensorstore(self, outputs: Any) -> None:
        for folder, _, features in outputs:
            attempt = json.loads((folder / "manifest.json").read_bytes())["attempt"]
            for name in features.names:
                place = {"driver": "file", "path": f"{folder}/{attempt}/{name}/"}
                array = tensorstore.open({"driver": "zarr3", "kvstore": place}, read=True).result()
                np.testing.assert_array_equal(array.read().result(), features.read(name))

    def test_each_program_has_about_ten_lines(self) -> None:
        programs = [each for language in ("python", "javascript", "rust") for each in snippets(language)]
        assert len(programs) == 4
        assert all(len([line for line in each.splitlines() if line.strip()]) <= 11 for each in programs)


def test_the_limits_are_those_of_the_code() -> None:
    from store.features import array_metadata, layout
    from store.manifest import limits

    said = " ".join(PAGE.split())
    for words in (
        f"At most {limits.MANIFEST_BYTES >> 20} MiB;",
        f"at most {limits.RECIPE_BYTES >> 20} MiB each",
        f"at most {limits.OBJECTS:,} objects",
        f"at most {limits.OBJECT_BYTES >> 30} GiB, together at most {limits.OUTPUT_BYTES >> 40} TiB",
        f"objects: at most {limits.JSON_BYTES >> 20} MiB (a line of JSON lines: {limits.LINE_BYTES >> 20} MiB)",
        f"at most {layout.ROWS_PER_SHARD} rows",
        f"at most {layout.SHARD_BYTES >> 20} MiB of rows",
        f"at most {layout.CHUNK_BYTES >> 20} MiB, a shard at most {array_metadata.MAX_CHUNKS_PER_SHARD:,} of them",
        f"A `zarr.json` has at most {limits.METADATA_BYTES >> 20} MiB",
    ):
        assert words in said, words
