"""Event files, which TensorBoard and many other programs read: a folder for each model, fold and seed."""

from __future__ import annotations

import io
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, TrackerError
from pipeline.keys.cache import write_atomically
from pipeline.report.trackers.tracked import Point, Tracked, Trained, Value

_MADE_HERE = "harvest"  # what the names of our files end with
_VERSION = "brain.Event:2"


class EventFiles:
    """Event files below a folder."""

    def __init__(self, folder: Path) -> None:
        if find_spec("tensorboard") is None:
            raise ConfigError(
                "--tensorboard: needs tensorboard, which is not installed\n  pip install 'harvest-har[tensorboard]'"
            )
        self.place = f"--tensorboard {folder}"
        self._folder = folder
        for each in (folder, *folder.parents):  # what is there of it
            if each.exists():
                if not each.is_dir():
                    raise ConfigError(f"{self.place}: {each} is no folder\n  name a folder, which need not be there")
                if not os.access(each, os.W_OK):
                    raise ConfigError(f"{self.place}: cannot be written there: no permission\n  name another place")
                return

    def write(self, trained: Trained, run: Tracked) -> None:
        """Write a run's file; what is there of an earlier training of this name goes.

        A file that lacks the test's figures is continued, so that a TensorBoard that has it open sees them.
        """
        group = ", ".join(filter(None, [trained.path.stem, trained.variant]))
        folder = self._folder.joinpath(*map(_name, (group, run.model, run.fold, f"seed={run.seed}")))
        file = folder / f"events.out.tfevents.{int(run.began)}.{_MADE_HERE}"
        content = _content(run)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for other in folder.glob(f"events.out.tfevents.*.{_MADE_HERE}"):
                if other != file:
                    other.unlink()
            before = file.read_bytes() if file.exists() else b""
            if before and content.startswith(before):
                with file.open("ab") as opened:
                    opened.write(content[len(before) :])
            else:
                write_atomically(file, content)
        except OSError as error:
            raise TrackerError(f"{error.filename or file}: {error.strerror}") from None


def _name(part: str) -> str:
    """Return a name that any file system takes."""
    return re.sub(r'[\0-\x1f/\\:*?"<>|]', "-", part)[:120].strip(" .") or "-"


def _content(run: Tracked) -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    events = [Event(wall_time=run.began, file_version=_VERSION), _session_start(run)]
    events += map(_scalar, run.curves)
    if run.test:  # written last, so that a file without it is the beginning of one with it
        events += [*map(_scalar, run.test), _session_end(run)]
    file = io.BytesIO()
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
    return file.getvalue()


def _scalar(point: Point) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    value = Summary.Value(tag=point.figure, simple_value=point.value)
    return Event(wall_time=point.time, step=point.epoch, summary=Summary(value=[value]))


def _session_start(run: Tracked) -> Any:
    """Return what the tab HPARAMS shows of a run."""
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    started = SessionStartInfo(start_time_secs=run.began, group_name=run.key)
    for key, value in {**run.params, **run.tags}.items():
        _set(started.hparams[key], value)
    return _of_session(SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=started), run.began)


def _session_end(run: Tracked) -> Any:
    from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
    from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    ended = SessionEndInfo(status=STATUS_SUCCESS, end_time_secs=run.ended)
    return _of_session(SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=ended), run.ended)


def _of_session(tag: str, data: Any, time: float) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.metadata import NULL_TENSOR, create_summary_metadata

    value = Summary.Value(tag=tag, metadata=create_summary_metadata(data), tensor=NULL_TENSOR)
    return Event(wall_time=time, summary=Summary(value=[value]))


def _set(field: Any, value: Value) -> None:
    if isinstance(value, bool):
        field.bool_value = value
    elif isinstance(value, str):
        field.string_value = value
    else:
        field.number_value = value
