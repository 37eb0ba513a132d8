"""Runs of MLflow, at a server or in a local folder or database: one for each model, fold and seed, known by its key."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import ConfigError, TrackerError
from pipeline.report.trackers.tracked import Point, Tracked, Trained
from store import redact_secrets

_MOST_POINTS = 1000  # in a request
_LONGEST = 6000  # characters of a parameter
_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_DEFAULTS = {  # of its client, unless the user says otherwise
    _TIMEOUT: "15",  # its own would wait for a server for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # of what may have arrived, so that a run would be there twice
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",  # to a host that the user did not name
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # which would go to its makers
    "GIT_PYTHON_REFRESH": "quiet",
}
_REMEDY = "give a server, http://HOST:PORT, or sqlite:///FILE"
_STRANGE = "what is there does not answer as an MLflow server does; is the address another program's, or a login page?"
_REDIRECTS = "it redirects elsewhere; give the address that it leads to, such as https:// for http://"


class MlflowRuns:
    """Runs at an MLflow tracking URI."""

    def __init__(self, uri: str) -> None:
        if find_spec("mlflow") is None:
            raise ConfigError("--mlflow: needs mlflow, which is not installed\n  pip install 'harvest-har[mlflow]'")
        self.place = redact_secrets(f"--mlflow {uri}")
        self._is_server = uri.startswith(("http://", "https://"))
        self._experiments: dict[str, str] = {}  # ids by name
        if problem := _problem(uri):
            raise ConfigError(f"{self.place}: {problem}\n  {_REMEDY}")
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        for name in ("mlflow", "urllib3", "alembic"):  # what is wrong is said in a line of ours
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            with _told():
                self._client = MlflowClient(uri)  # asks a server for nothing yet
        except TrackerError as error:
            raise ConfigError(f"{self.place}: {error}\n  {_REMEDY}") from None

    def write(self, trained: Trained, run: Tracked) -> None:
        """Write what the run of this key lacks, which is nothing where it was written before."""
        from mlflow.exceptions import MlflowException

        with _told(_STRANGE if self._is_server else ""):
            try:
                self._complete(trained.path, run)
            except MlflowException:  # such as a connection that was closed while it waited
                self._complete(trained.path, run)

    def _complete(self, path: Path, run: Tracked) -> None:
        """Find or create the run, write what it lacks, and look whether it is there."""
        experiment = self._experiment(path)
        found = self._find(experiment, run) or self._create(experiment, run)
        missing = self._missing(found, run.curves, run.test)
        if found.info.status == "FINISHED" and not missing:
            return
        from mlflow.entities import Metric, Param

        metrics = [Metric(_name(p.figure), p.value, int(1000 * p.time), p.epoch) for p in missing]
        params = [Param(_name(key), str(value)[:_LONGEST]) for key, value in run.params.items()]
        for first in range(0, max(len(metrics), 1), _MOST_POINTS):
            batch = metrics[first : first + _MOST_POINTS]
            self._client.log_batch(found.info.run_id, batch, params if first == 0 else [])
        self._client.set_terminated(found.info.run_id, end_time=int(1000 * run.ended))
        held = self._client.get_run(found.info.run_id)
        if held.info.status != "FINISHED" or not held.data.metrics.keys() >= {each.key for each in metrics}:
            raise TrackerError(_STRANGE)

    def _experiment(self, path: Path) -> str:
        """Return the id of the experiment of a stages file, which is made where there is none."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or f"{path.absolute().parent.name}/{path.stem}"
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            id_ = found.experiment_id if found else self._client.create_experiment(name)
            if not id_:
                raise TrackerError(_STRANGE)
            self._experiments[name] = id_
        return self._experiments[name]

    def _find(self, experiment: str, run: Tracked) -> Any:
        known = f"""tags."harvest.key" = '{run.key}'"""
        for found in self._client.search_runs([experiment], known, max_results=100):
            if found.data.tags.get("mlflow.runName") == _title(run):
                return found
        return None

    def _create(self, experiment: str, run: Tracked) -> Any:
        tags = {**run.tags, "mlflow.runName": _title(run)}
        created = self._client.create_run(experiment, int(1000 * run.began), tags, _title(run))
        if not created.info.run_id:
            raise TrackerError(_STRANGE)
        return created

    def _missing(self, found: Any, curves: Sequence[Point], test: Sequence[Point]) -> list[Point]:
        """Return points that a run has not, as where a kill came between two requests, or the test was done anew."""
        metrics = found.data.metrics
        tested = [each for each in test if metrics.get(_name(each.figure)) != each.value]
        if found.info.status == "FINISHED":
            return [*(each for each in curves if _name(each.figure) not in metrics), *tested]
        there = {
            (figure, each.step)
            for figure in metrics
            for each in self._client.get_metric_history(found.info.run_id, figure)
        }
        return [*(each for each in curves if (_name(each.figure), each.epoch) not in there), *tested]


@contextmanager
def _told(unforeseen: str = "") -> Iterator[None]:
    """Say in a line what MLflow, or what it uses, raises; of what a client does not raise by design, `unforeseen`."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except TrackerError:
        raise
    except (MlflowException, ImportError, OSError) as error:
        raise TrackerError(redact_secrets(_line(error))[:300]) from error
    except Exception as error:  # its client trusts an answer's form, and fails on another one in many ways
        raise TrackerError(unforeseen or redact_secrets(_line(error))[:300]) from error


def _line(error: Exception) -> str:
    """Return the part of a message that says what is wrong."""
    line = next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)
    if re.search(r"\((read|connect) timeout=", line):
        return f"no answer within {os.environ[_TIMEOUT]} s; {_TIMEOUT}=SECONDS waits longer"
    if cause := re.search(r"Caused by \w+\((.*)$", line):  # by requests, after the whole of its call
        return cause[1].rpartition("): ")[2].strip("\"')")
    if "not in a valid JSON format" in line:
        return _STRANGE
    if re.search(r"error code 3\d\d\b", line):
        return _REDIRECTS
    return line.partition(". Response body:")[0]


def _problem(uri: str) -> str | None:
    """Say what is wrong with a URI of which MLflow would make something else: a local folder, or another host."""
    if "://" not in uri:
        return None if uri in ("databricks", "databricks-uc", "uc") else "is no URI"
    try:
        parts = urlsplit(uri)
        hostless = parts.scheme in ("http", "https") and not parts.hostname
    except ValueError as error:
        return str(error)
    return "names no host" if hostless else None


def _title(run: Tracked) -> str:
    return f"{run.model}, {run.fold}, seed={run.seed}"


def _name(text: str) -> str:
    """Return a name of a parameter or metric that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", text)[:250]
