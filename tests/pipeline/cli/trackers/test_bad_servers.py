"""A server that is down, silent, dying or no MLflow server: one clear line, and nothing of the run is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .readers import mlflow_runs
from .servers import Answer, Request, cutting, forgetful, serving, silent

Run = Callable[..., Any]
STRANGE = "what is there does not answer as an MLflow server does"
RESULTS = ("teacher", "student", "distilled")


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="needs mlflow: pip install 'harvest-har[mlflow]'")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


def refused(said_here: Run, stages: Any, uri: str, *parts: str, shown: str = "") -> None:
    """Assert that a report ends with one line and what to do, after its page was written."""
    page = stages.folder / "r.html"
    said = said_here("report", "-f", str(stages.file), "-o", str(page), "--mlflow", uri)
    place = f"--mlflow {shown or uri}"
    said.refuses(1, f"error: {place}: ", *parts, f"\n  nothing is lost: `pipeline report {place} -f ")
    assert said.err.count("\n") == 2, said.err
    assert page.exists()


ANSWERS = {
    "an empty object": Answer(),
    "an empty object for all that went wrong": Answer(status=404),
    "nothing": Answer(b""),
    "a page": Answer(b"<!doctype html>\n<title>Sign in</title>\n", kind="text/html"),
    "a list": Answer(b"[]"),
    "a number": Answer(b"5"),
    "no text": Answer(bytes(range(256))),
    "another type": Answer(b'{"experiment": 5}'),
    "another experiment": Answer(b'{"experiment": {"experiment_id": "1", "name": "other"}}'),
    "all fields of other types": Answer(json.dumps({"experiment": [], "experiment_id": {}, "runs": "x"}).encode()),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_answers_so_to_everything(stages: Any, said_here: Run, answer: Answer) -> None:
    with serving(lambda _: answer) as uri:
        refused(said_here, stages, uri, "" if answer.status == 404 else STRANGE)


def test_a_server_that_keeps_nothing(stages: Any, said_here: Run) -> None:
    with serving(forgetful) as uri:
        refused(said_here, stages, uri, STRANGE)


@pytest.mark.parametrize(("status", "says"), [(401, "401"), (403, "403"), (404, "404"), (500, "500"), (503, "503")])
def test_a_server_that_refuses_with_a_page(stages: Any, said_here: Run, status: int, says: str) -> None:
    with serving(lambda _: Answer(b"<html>\n<p>no</p></html>", status, "text/html")) as uri:
        refused(said_here, stages, uri, says)


def test_a_server_that_says_why(stages: Any, said_here: Run) -> None:
    body = json.dumps({"error_code": "PERMISSION_DENIED", "message": "you may not write here"}).encode()
    with serving(lambda _: Answer(body, 403)) as uri:
        refused(said_here, stages, uri, "PERMISSION_DENIED: you may not write here")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_that_redirects_is_not_followed(stages: Any, said_here: Run, status: int) -> None:
    """What it would be sent is for the host that the user named."""
    arrived: list[Request] = []

    def other(request: Request) -> Answer:
        arrived.append(request)
        return forgetful(request)

    with (
        serving(other) as elsewhere,
        serving(lambda each: Answer(b"", status, headers={"Location": elsewhere + each.target})) as uri,
    ):
        refused(said_here, stages, uri, "it redirects elsewhere; give the address that it leads to")
    assert arrived == []


def test_a_server_that_never_answers(stages: Any, said_here: Run) -> None:
    with silent() as uri:
        refused(said_here, stages, uri, "no answer within 1 s", "MLFLOW_HTTP_REQUEST_TIMEOUT")


def test_a_server_that_is_down(stages: Any, said_here: Run) -> None:
    with silent() as uri:
        gone = uri.replace("http://", "http://me:HIDDEN@")
    refused(said_here, stages, gone, "onnection refused", shown=uri.replace("http://", "http://***@"))


@pytest.mark.parametrize("server", [serving(lambda _: Answer()), silent()], ids=["strange", "silent"])
def test_a_run_with_such_a_server_keeps_all(stages: Any, server: AbstractContextManager[str]) -> None:
    """It is told of when the first training is sent, and again at the end, after the results; all is in the store."""
    step = "evaluate[student,subjects=odd,seed=0]"
    stages.remove("evaluate", stages.plan().steps[step].key)
    with server as uri:
        run = stages.command("run", "--mlflow", uri, code=1)
    assert "1 step done" in run.stdout
    assert all(model in run.stdout for model in RESULTS)
    assert {*stages.plan().states.values()} == {"cached"}
    told = [line for line in run.stderr.splitlines() if uri in line]
    assert len(told) == 3
    assert told[0].endswith("; tried again at the end")
    assert told[1].startswith(f"error: --mlflow {uri}: ")
    assert told[2] == f"  nothing is lost: `pipeline report --mlflow {uri}` writes it when that is mended"


def test_what_is_said_to_do_is_for_the_same_run(stages: Any, study: Any, said_here: Run, tmp_path: Path) -> None:
    setting = "on_bad_recording=skip"
    with serving(lambda _: Answer()) as uri:
        trial = said_here("run", "--until", "encode", "-f", str(stages.file), "--set", setting, "--mlflow", uri)
        trial.refuses(1, f"`pipeline report --set={setting} --mlflow {uri} -f {stages.file}` writes it")
        page = tmp_path / "r.html"
        remembered = said_here("report", "1", "-f", str(study.project.file), "-o", str(page), "--mlflow", uri)
        remembered.refuses(1, f"`pipeline report 1 --mlflow {uri} -f {study.project.file}` writes it")


CURVE = {epoch: 1 / epoch for epoch in range(1, 4)}
REQUESTS = 7  # that the first training of an experiment needs


@pytest.fixture
def experiment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An MLflow experiment of this test's."""
    name: str = request.node.name
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    return name


@pytest.fixture
def write(stages: Any, experiment: str) -> Run:
    """A function that writes a training to a server."""
    from pipeline.report.trackers.mlflow_runs import MlflowRuns
    from pipeline.report.trackers.tracked import Point, Tracked, Trained

    trained = Trained(stages.plan().store, stages.file, "", [])
    curve = [Point("loss/train", epoch, value, 10.0 + epoch) for epoch, value in CURVE.items()]
    test = [Point("test/top1", 3, 75.0, 20.0)]
    params = {"entry": "student", "seed": 0}
    run = Tracked("k", "student", "f", 0, params, curve, test, {"harvest.key": "k"}, 10.0, 14.0)
    opened = cache(MlflowRuns)
    return lambda uri: opened(uri).write(trained, run)


def assert_there_once(server: str, experiment: str) -> None:
    figures = {"loss/train": CURVE, "test/top1": {3: 75.0}}
    assert mlflow_runs(server, experiment) == {("student", 0): figures}


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("after", range(REQUESTS))
def test_of_a_server_that_dies_the_rest_is_written_later(
    write: Run, server: str, experiment: str, after: int, arrives: bool
) -> None:
    from pipeline.errors import TrackerError

    with cutting(server, lambda number: number >= after, arrives) as uri, pytest.raises(TrackerError) as raised:
        write(uri)
    assert "closed connection without response" in str(raised.value)
    write(server)
    assert_there_once(server, experiment)


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("at", range(REQUESTS))
def test_one_lost_answer_is_no_failure(write: Run, server: str, experiment: str, at: int, arrives: bool) -> None:
    with cutting(server, lambda number: number == at, arrives) as uri:
        write(uri)
    assert_there_once(server, experiment)


def test_one_that_is_strange_at_first_has_all_in_the_end(write: Run, server: str, experiment: str) -> None:
    """As a proxy that is up before the server that it stands for."""
    from pipeline.errors import TrackerError

    up = False
    with cutting(server, lambda _: not up, arrives=False, instead=Answer()) as uri:
        with pytest.raises(TrackerError, match=STRANGE):
            write(uri)
        up = True
        write(uri)
    assert_there_once(server, experiment)


def test_so_many_requests_there_are(write: Run, server: str) -> None:
    counted: list[int] = []
    with cutting(server, lambda number: bool(counted.append(number)), arrives=True) as uri:
        write(uri)
    assert counted == [*range(REQUESTS)]
