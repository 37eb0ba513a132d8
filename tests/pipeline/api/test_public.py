"""What is public: listed, documented, typed, and imported only when it is asked for."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline

REPOSITORY = Path(__file__).parents[3]
PUBLIC = ["ConfigError", "Experiment", "PipelineError", "StepError", "__version__", "loss", "model", "open"]


def run(code: str, *, folder: Path = REPOSITORY) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_it_imports_nothing_else() -> None:
    heavy = ["torch", "numpy", "zarr", "xarray", "pandas", "dask", "click", "msgspec"]
    code = f"import sys, json, pipeline; dir(pipeline); print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    assert json.loads(run(code)) == []


def test_opening_an_experiment_imports_no_torch(tmp_path: Path) -> None:
    (tmp_path / "stages.yaml").write_bytes((REPOSITORY / "stages.yaml").read_bytes())
    code = "import sys, pipeline; pipeline.open().status(); print('torch' in sys.modules)"
    assert run(code, folder=tmp_path).strip() == "False"


def test_public_names_are_listed_everywhere() -> None:
    assert sorted(pipeline.__all__) == PUBLIC
    assert {*PUBLIC} <= {*dir(pipeline)}
    stub = ast.parse((REPOSITORY / "pipeline" / "__init__.pyi").read_text())
    listed = next(node.value for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == PUBLIC
    imported = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported | {"__version__"} == {*PUBLIC}
    page = (REPOSITORY / "docs" / "python.md").read_text()
    assert all(f"`pipeline.{name}`" in page for name in PUBLIC)
    methods = [name for name in vars(pipeline.Experiment) if not name.startswith("_")]
    assert all(f"`{name}`" in page for name in methods)


def test_public_things_are_documented() -> None:
    for name in PUBLIC:
        found = getattr(pipeline, name)
        if not isinstance(found, str):
            assert inspect.getdoc(found), name
    assert pipeline.__version__
    with pytest.raises(AttributeError, match="opne"):
        pipeline.opne  # noqa: B018


def test_where_nothing_can_run_asking_says_why() -> None:
    code = (
        "import pipeline.supported\n"
        "pipeline.supported.unsupported = lambda: 'Plan 9 is not supported'\n"
        "try:\n    pipeline.open\n"
        "except ImportError as error:\n    print(error)\n"
    )
    assert run(code).strip() == "Plan 9 is not supported"


@pytest.mark.slow  # type checkers read all that a name leads to
def test_type_checkers_know_the_names(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import pipeline\n"
        "experiment = pipeline.open('stages.yaml')\n"
        "reveal_type(experiment.model('student'))\n"
        "reveal_type(pipeline.loss('hinton'))\n"
        "experiment.rnu()\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", str(script)]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout
    assert 'Revealed type is "pipeline.api.model.TrainedModel"' in said
    assert 'Revealed type is "pipeline.api.parts.Loss"' in said
    assert '"Experiment" has no attribute "rnu"' in said
