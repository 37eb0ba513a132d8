"""A model of one's own that is solved: the page's example, and what its class may say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.plugins.places import name_places

SOLVED = ("stages.teacher.model", "nearest.py:Nearest"), ("stages.teacher.fit", {})


def test_it_is_solved_tested_and_teaches(herd: Any) -> None:
    done = herd.run(*SOLVED, ("seeds", [0]))
    assert [each.partition("[")[0] for each in done] == ["teacher", "student", "evaluate", "evaluate"]
    plan = herd.plan(*SOLVED, ("seeds", [0]))
    (step,) = (step for step in plan.steps.values() if step.entry == "teacher")
    (epoch,) = json.loads(plan.store.output("train", step.key).read_bytes("history.json"))
    assert epoch["accuracy"] > 0.9  # one class is quick and one tilted
    (tested,) = (each for each in plan.steps.values() if each.entry == "evaluate" and each.axes["model"] == "teacher")
    assert json.loads(plan.store.output("evaluate", tested.key).read_bytes("metrics.json"))["top1"] > 0.9


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"series", True', '"series", 1', "Nearest.solved is 1\n  make it False or True"),
        ("def solve(", "def solved_by(", "Nearest.solved is True, and there is no solve\n  add the method"),
        (
            'takes, solved = "series", True',
            'takes, solved, stacks = "series", True, True',
            "nothing that is solved stacks",
        ),
    ],
)
def test_what_its_class_says_wrongly_is_told(herd: Any, old: str, new: str, said: str) -> None:
    file = herd.folder / "nearest.py"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(PipelineError) as raised:
        herd.plan(*SOLVED)
    assert said in name_places(str(raised.value))


def test_it_is_no_student(herd: Any) -> None:
    with pytest.raises(PipelineError, match=r"nearest\.py:Nearest is solved in closed form"):
        herd.plan(("stages.student.model", "nearest.py:Nearest"))
