"""Stored features as xarray: read when they are used, checked against their manifest, with what each row is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import dask.array
import numpy as np
import torch
from dask.base import tokenize
from numpy.typing import NDArray

from pipeline.api.steps import check_indexed, folds_of, output_of
from pipeline.errors import ConfigError, StepError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from store import Store
from store.errors import CorruptObject
from store.features import open_features
from trainers.gaf.stored import decode

if TYPE_CHECKING:
    import xarray

    from store import Output
    from store.features import FeatureOutput


def features_of(plan: Plan, step: Step) -> xarray.Dataset:
    """Return a feature step's output; see `pipeline.api.experiment.Experiment.features`."""
    try:
        import xarray
    except ImportError:
        raise ConfigError("xarray is not installed\n  pip install 'harvest-har[notebook]'") from None
    check_indexed(plan)
    output = output_of(plan, step)
    stored = open_features(output)
    variables = {name: (stored.array(name).dims, _lazy(plan, step, output, stored, name)) for name in stored.names}
    coordinates = _recordings(plan, step) | _times(stored.attributes)
    return xarray.Dataset(variables, coordinates, {**_plain(stored.attributes), "step": step.id, "key": step.key})


def _lazy(plan: Plan, step: Step, output: Output, stored: FeatureOutput, name: str) -> Any:
    rows = _Rows(stored, name, _Place(plan.store.url, step.stage, step.key, output.manifest.attempt))
    chunks = (stored.array(name).shard[0], *rows.shape[1:])
    meta = np.empty((0,) * rows.ndim, rows.dtype)
    return dask.array.from_array(rows, chunks, name=f"{name}-{tokenize(output.url)}", fancy=False, meta=meta)


class _Rows:
    """An array of a feature output as dask reads it: only the rows that are asked for; of images their values."""

    def __init__(self, stored: FeatureOutput, name: str, place: _Place) -> None:
        self._stored, self._name, self._place = stored, name, place
        self.shape = stored.array(name).shape
        self.ndim = len(self.shape)
        self.dtype = np.dtype(np.float32) if name == "images" else stored.array(name).dtype

    def __reduce__(self) -> Any:
        """Open the output again in another process."""
        return _rows_of, (self._place, self._name)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        first, *others = index if isinstance(index, tuple) else (index,)
        rows = np.arange(self.shape[0])[first]
        try:
            values = self._stored.read(self._name, np.atleast_1d(rows).tolist())
        except CorruptObject as error:
            raise self._place.unusable(error) from error
        if self._name == "images":
            values = decode(torch.from_numpy(values)).numpy()
        if rows.ndim == 0:
            return np.asarray(values[0][tuple(others)])
        return np.asarray(values[(slice(None), *others)])


class _Place(NamedTuple):
    """Where a feature output lies, for whoever opens it again."""

    url: str
    stage: str
    key: str
    attempt: str

    def unusable(self, error: CorruptObject) -> StepError:
        """Set a damaged output aside; say what happened to it, and the remedy."""
        store = Store.open(self.url)
        if not store.has(self.stage, self.key) or store.output(self.stage, self.key).manifest.attempt != self.attempt:
            what = "was freed, set aside or made anew since it was opened"
        else:
            place = store.quarantine(self.stage, self.key, str(error), attempt=self.attempt)
            what = f"was damaged, and is moved to {place}"
        return StepError(f"{error.finding}\n  it {what}: call run(), and ask for the features again")


def _rows_of(place: _Place, name: str) -> _Rows:
    output = Store.open(place.url).output(place.stage, place.key)
    return _Rows(open_features(output), name, place._replace(attempt=output.manifest.attempt))


def _recordings(plan: Plan, step: Step) -> dict[str, Any]:
    """Return what each row is: the recording, whose, of which action, and on which side of each fold."""
    recordings = plan.table.listing.recordings
    label_of = {action: label for label, action in enumerate(step.point.source.classes)}
    columns: dict[str, Sequence[Any]] = {
        "recording": [each.id for each in recordings],
        "subject": [each.subject for each in recordings],
        "action": [each.action for each in recordings],
        "session": [each.session for each in recordings],
        "label": [label_of[each.action] for each in recordings],
    }
    splits = folds_of(plan, step.work["modality"])
    side = np.full((len(recordings), len(splits)), "", dtype="U5")
    for fold, split in enumerate(splits.values()):
        work = split.as_work()
        for name in ("train", "test"):
            side[[row for row, _ in work[name]], fold] = name
    return {
        **{name: ("recording", np.array(values)) for name, values in columns.items()},
        "fold": ("fold", np.array(list(splits))),
        "side": (("recording", "fold"), side),
    }


def _times(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return when each patch (the middle of its window) and each sample is.

    In seconds, or, where recordings are stretched to one length, as a share of the recording from 0 to 1.
    """
    if "patches" not in attributes:
        return {}
    window, stride, length = attributes["window"], attributes["stride"], attributes["length"]
    middles = np.arange(attributes["patches"]) * stride + (window - 1) / 2
    if attributes["align"] in ("truncate", "pad"):
        return {"time": ("patch", middles / attributes["rate"], {"units": "s"})}
    share = {"units": "1", "long_name": "share of the recording"}
    if attributes["align"] == "spread":  # windows at even distances, whatever the length: the share of their starts
        starts = np.linspace(0.0, 1.0, attributes["patches"]) if attributes["patches"] > 1 else np.zeros(1)
        return {"time": ("patch", starts, {**share, "long_name": "share of the way from the first window to the last"})}
    times = {"time": ("patch", middles / max(length - 1, 1), share)}
    if attributes.get("channels") is not None:
        times["sample_time"] = ("sample", np.linspace(0.0, 1.0, length), share)
    return times


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes that every writer of xarray takes: numbers and texts."""
    return {
        name: value if isinstance(value, (int, float, str)) else repr(value)
        for name, value in attributes.items()
        if value is not None
    }
