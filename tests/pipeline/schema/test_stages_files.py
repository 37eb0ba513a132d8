"""The schema marks what a run would refuse of a stages file, and nothing of one that runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.errors import ConfigError
from pipeline.stagesfile.experiment import read_points
from pipeline.stagesfile.load import read_document

REPOSITORY = Path(__file__).parents[3]
FILES = [
    REPOSITORY / "stages.yaml",
    *sorted((REPOSITORY / "experiments").glob("*.yaml")),
    *sorted((REPOSITORY / "pipeline" / "init" / "recipes").glob("*.yaml")),
]
Marks = Callable[[Any], list[str]]

WHOLE = """\
store: .store
remote: [s3://bucket/features]
source: {name: sample, subjects: 4, times: {gap: 5}}
modalities: [depth, skeleton, inertial]
protocol: subject-50-50
seeds: [0, 1]
matrix: {stages.teacher.model.tokens: [2, 4]}
fit: {epochs: 40}
on_bad_recording: skip
stages:
  encode:
    depth: {backbone: squeezenet1_1, weights: none, depth: {near: 100}}
    skeleton:
    inertial: {window: 18, reduce: mean}
  gaf: {needs: [encode], size: 32, inertial: {scaling: fixed, range: 2}}
  teacher:
    stage: train
    needs: [encode]
    model: {name: dmft, width: native}
    modalities: [skeleton, inertial]
    fit: {lr: 1e-3}
    augment: {jitter: 0.1}
  student: {stage: train, needs: [gaf], model: resnet18, modalities: [inertial], augment: null}
  distilled:
    stage: distil
    needs: [encode, teacher]
    model: {name: dmft-lite, layers: 1}
    loss: {name: hinton, temperature: 2}
    modalities: [skeleton, inertial]
  evaluate: {needs: [teacher, student, distilled]}
"""
MISTAKES = [  # what is written in place of what, and where the mark is
    ("seeds:", "seed:", ""),
    ("[0, 1]", "[zero]", "seeds.0"),
    ("[depth, skeleton, inertial]", "skeleton", "modalities"),
    ("on_bad_recording: skip", "on_bad_recording: ignore", "on_bad_recording"),
    ("name: sample", "name: smaple", "source.name"),
    ("subjects: 4", "subject: 4", "source"),
    ("subjects: 4", "subjects: 1", "source.subjects"),
    ("gap: 5", "gap: 0", "source.times.gap"),
    ("subject-50-50", "subject-50", "protocol"),
    ("subject-50-50", "{k-folds: 1}", "protocol.k-folds"),
    ("subject-50-50", "{k-folds: 5, stratify: true}", "protocol"),
    ("subject-50-50", "{}", "protocol"),
    ("epochs: 40", "epochs: 0", "fit.epochs"),
    ("window: 18", "windw: 18", "stages.encode.inertial"),
    ("reduce: mean", "reduce: median", "stages.encode.inertial"),
    ("near: 100", "near: close", "stages.encode.depth.depth.near"),
    ("backbone: squeezenet1_1, weights: none", "reduce: motion-map", "stages.encode.depth"),
    ("backbone: squeezenet1_1, weights: none", "reduce: motion-maps, cel: 8", "stages.encode.depth"),
    ("backbone: squeezenet1_1, weights: none", "reduce: motion-maps, cell: 1", "stages.encode.depth.cell"),
    ("backbone: squeezenet1_1", "reduce: motion-maps", "stages.encode.depth"),
    ("size: 32", "size: 1", "stages.gaf.size"),
    ("size: 32", "sise: 32", "stages.gaf.sise"),
    ("scaling: fixed", "scaling: fix", "stages.gaf.inertial.scaling"),
    ("stage: distil", "stage: distill", "stages.distilled.stage"),
    ("needs: [gaf]", "needs: gaf", "stages.student.needs"),
    ("needs: [gaf], ", "", "stages.student"),
    ("model: resnet18, ", "", "stages.student"),
    ("model: resnet18", "model: resnet81", "stages.student.model"),
    ("name: dmft-lite", "name: dmft-light", "stages.distilled.model.name"),
    ("layers: 1", "layer: 1", "stages.distilled.model"),
    ("layers: 1", "layers: one", "stages.distilled.model.layers"),
    ("name: hinton", "name: hintn", "stages.distilled.loss.name"),
    ("temperature: 2", "temperature: 0", "stages.distilled.loss.temperature"),
    ("lr: 1e-3", "lr: -1", "stages.teacher.fit.lr"),
    ("jitter: 0.1", "jiter: 0.1", "stages.teacher.augment"),
    ("stage: train, needs: [gaf]", "needs: [gaf]", "stages.student"),
]


def read(text: str) -> Any:
    return read_document(Path("stages.yaml"), text).values


def pages() -> Iterator[Any]:
    """Yield the whole stages files of the documentation."""
    for page in sorted((REPOSITORY / "docs").rglob("*.md")):
        blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        for number, block in enumerate(blocks):
            if re.search(r"^stages:", block, re.MULTILINE) and re.search(r"^modalities:", block, re.MULTILINE):
                yield pytest.param(block, id=f"{page.stem}-{number}")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_stages_file_of_the_repository_is_valid(marks: Marks, file: Path) -> None:
    assert marks(read_document(file).values) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_merged_stands_last(file: Path) -> None:
    """The YAML language server lets ``<<`` win over keys that follow it, and would mark these."""
    nodes = [yaml.compose(file.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            assert "<<" not in [key.value for key, _ in node.value[:-1]]
            nodes += [value for _, value in node.value]


@pytest.mark.parametrize("text", [*pages()])
def test_those_of_the_documentation_are_valid(marks: Marks, text: str) -> None:
    assert marks(read(text)) == []


def test_what_runs_is_not_marked(marks: Marks) -> None:
    assert len(read_points(Path("stages.yaml"), WHOLE, ())) == 2
    assert marks(read(WHOLE)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "place"), MISTAKES, ids=[wrong or f"no {right}" for right, wrong, _ in MISTAKES]
)
def test_a_mistake_is_marked_where_it_is(marks: Marks, right: str, wrong: str, place: str) -> None:
    assert WHOLE.count(right) == 1
    assert place in marks(read(WHOLE.replace(right, wrong)))


@pytest.mark.parametrize(
    "protocol",
    [
        "loso",
        "{leave-one-out: site}",
        "{k-folds: 5, by: id, stratified: true}",
        "{random: 0.25, seed: 3}",
        "{test: {subject: [1, 2]}}",
        "{folds: [{name: a, test: {session: 1}}, {name: b, train: {session: 1}}]}",
    ],
)
def test_protocols(marks: Marks, protocol: str) -> None:
    text = WHOLE.replace("subject-50-50", protocol)
    read_points(Path("stages.yaml"), text, ())
    assert marks(read(text)) == []


def test_what_depends_on_several_keys_is_left_to_the_run(marks: Marks) -> None:
    text = WHOLE.replace("epochs: 40", "patience: 3")
    with pytest.raises(ConfigError, match="watches recordings set apart"):
        read_points(Path("stages.yaml"), text, ())
    assert marks(read(text)) == []


def test_what_only_the_matrix_gives_is_marked_as_missing(marks: Marks) -> None:
    """A limit that docs/stages-file.md names: no schema sees that a key of ``matrix`` stands for another."""
    text = WHOLE.replace("model: resnet18, ", "").replace("matrix: {", "matrix: {stages.student.model: [resnet18], ")
    assert len(read_points(Path("stages.yaml"), text, ())) == 2
    assert marks(read(text)) == ["stages.student"]


def test_motion_maps_are_not_marked(marks: Marks) -> None:
    text = WHOLE.replace("backbone: squeezenet1_1, weights: none", "reduce: motion-maps, patches: 6")
    assert len(read_points(Path("stages.yaml"), text, ())) == 2
    assert marks(read(text)) == []


@pytest.mark.parametrize(
    ("right", "own"),
    [
        ("name: sample, subjects: 4", "name: cows.py:Cows, herd: 4"),
        ("name: sample, subjects: 4", "name: package.module:Cows"),
        ("model: resnet18", "model: tiny.py:Tiny"),
        ("model: resnet18", "model: {name: nets/tiny.py:Tiny, anything: [1]}"),
        ("name: hinton, temperature: 2", "name: follow.py:Follow, force: 2"),
        ("loss: {name: hinton, temperature: 2}", "loss: follow.py:Follow"),
        ("backbone: squeezenet1_1", "backbone: {name: edges.py:Edges, width: 16}"),
        ("reduce: mean", "reduce: swing.py:Swing"),
        ("reduce: mean", "reduce: {name: swing.py:Swing, cut: 3}"),
        ("  gaf: ", "  smooth: {stage: smooth.py:Smooth, needs: [encode], width: 5}\n  gaf: "),
    ],
)
def test_a_class_of_ones_own_is_not_marked(marks: Marks, right: str, own: str) -> None:
    assert WHOLE.count(right) == 1
    assert marks(yaml.safe_load(WHOLE.replace(right, own).replace("1e-3", "0.001"))) == []
