"""A notebook goes from a stages file to a confusion matrix, and to a network of its own on stored features."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..project import Project

CELLS = (
    """
    import pipeline
    experiment = pipeline.open("stages.yaml").run()
    experiment.results()
    """,
    """
    experiment.figures()["confusion-student"]
    """,
    """
    import torch
    from torch.utils.data import DataLoader
    torch.manual_seed(0)
    train, test = (experiment.dataset("encode", side) for side in ("train", "test"))
    patches, width = train.shapes["inertial"]
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.BatchNorm1d(patches * width), torch.nn.Linear(patches * width, len(train.classes))
    )
    optimizer = torch.optim.AdamW(network.parameters(), 0.01)
    for epoch in range(10):
        for batch in DataLoader(train, 16, shuffle=True):
            loss = torch.nn.functional.cross_entropy(network(batch["inputs"]["inertial"]), batch["labels"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    tested = next(iter(DataLoader(test, len(test))))
    right = (network(tested["inputs"]["inertial"]).argmax(1) == tested["labels"]).float().mean().item()
    assert right > 0.25, right  # chance is 0.125
    """,
    """
    experiment.features("inertial")
    """,
    """
    experiment.model("student").predict(test).to_pandas()
    """,
)


@pytest.mark.slow
def test_a_notebook_from_a_stages_file_to_a_confusion_matrix(project: Project, small: dict[str, object]) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat: pip install nbconvert ipykernel")
    preprocessors = pytest.importorskip("nbconvert.preprocessors", reason="needs nbconvert: pip install nbconvert")
    pytest.importorskip("ipykernel", reason="needs ipykernel: pip install ipykernel")
    from textwrap import dedent

    project.write(
        {**small, "source": {"name": "sample", "subjects": 4, "trials": 2, "streams": ["skeleton", "inertial"]}}
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(dedent(cell).strip()) for cell in CELLS])
    preprocessors.ExecutePreprocessor(timeout=200, kernel_name="python3").preprocess(
        book, {"metadata": {"path": str(project.folder)}}
    )
    results, confusion, _, features, predictions = (
        [output["data"] for output in cell.outputs if "data" in output] for cell in book.cells
    )
    assert "student" in results[0]["text/html"]
    assert "<svg" in confusion[0]["image/svg+xml"]
    assert "xarray.Dataset" in features[0]["text/plain"]
    assert "dataframe" in predictions[0]["text/html"]
    assert (project.folder / ".store").is_dir()
    nbformat.write(book, project.folder / "notebook.ipynb")
    assert Path(project.folder / "notebook.ipynb").stat().st_size > 1000
