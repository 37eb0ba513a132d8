"""The transform stage: one modality's encoded series, each made anew by a plug-in, and the patches of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import ContractError
from pipeline.stages.encode.timings import Timings
from pipeline.stages.reduction import CheckedReduction, resolve_reduction
from pipeline.stages.sharded import Note, run_sharded, seconds_by_phase
from store.features import FeatureArray, FeatureLayout, FeatureOutput, create, open_features, pending, write_shard
from trainers.data.patches import Reduce, derive_bones, derive_velocities, patches

if TYPE_CHECKING:
    from pipeline.stages.context import Context, ShardDraft

Series = NDArray[np.float32]


class Pooling(msgspec.Struct, frozen=True):
    """How patches came from the series, as the attributes of an encode output say; all in samples."""

    rate: float
    window: int
    stride: int
    patches: int
    length: int
    reduce: Reduce | dict[str, Any]
    velocities: bool
    parents: tuple[int, ...] = ()


class TransformRecipe(msgspec.Struct, frozen=True):
    """What the stage reads of its recipe: the modality, and the plug-in's name (``stage``) and parameters."""

    modality: str
    params: dict[str, Any]


class TransformWork(msgspec.Struct, frozen=True):
    """What is not in the recipe: the id of the step whose series are read."""

    features: str


def run(context: Context) -> dict[str, Any]:
    """Make the recipe's modality anew in the draft; the caller publishes it."""
    return run_sharded(open(context))


def open(context: Context) -> TransformShards:
    """Return the work on the recipe's modality, shard by shard."""
    recipe, work = msgspec.convert(context.recipe, TransformRecipe), msgspec.convert(context.work, TransformWork)
    section = dict(recipe.params)
    name = section.pop("stage")
    build, params = context.resolve("stage", {"name": name, **section})
    transform = CheckedTransform(name, build(params))
    encoded = open_features(context.outputs[work.features])
    pooling = msgspec.convert(encoded.attributes, Pooling)
    reduce = resolve_reduction(pooling.reduce, context.resolve)
    return TransformShards(transform, encoded, pooling, reduce, context.draft, context.progress)


class CheckedTransform:
    """A plug-in's object, called with a recording's series (L, C) and their rate in Hz.

    ContractError where it gives anything but real, finite numbers (L, C'), or another C' than for other recordings.
    """

    def __init__(self, name: str, transform: Callable[[Series, float], Any]) -> None:
        self._transform = transform
        self._whose = f"stage {name} ({type(transform).__module__})"

    def __call__(self, series: Series, rate: float, channels: int | None = None) -> Series:
        """Return the series (L, C') that is made of one (L, C)."""
        given = self._transform(series.copy(), rate)
        wanted = f"({len(series)}, {'C' if channels is None else channels})"
        if not isinstance(given, np.ndarray) or given.dtype.kind not in "fiu":
            raise self._mistake(
                f"gave {given.dtype if isinstance(given, np.ndarray) else type(given).__name__}", wanted
            )
        if (
            given.ndim != 2
            or len(given) != len(series)
            or given.shape[1] not in (channels or given.shape[1], 0)
            or not given.size
        ):
            raise self._mistake(f"gave an array {given.shape}", wanted)
        with np.errstate(over="ignore"):
            made: Series = given.astype(np.float32)
        if not np.isfinite(made).all():
            raise self._mistake("gave a value that is not finite", wanted)
        return made

    def no_joints(self, channels: int, wanted: int) -> ContractError:
        """Return the error that says that no bones can be made of what the plug-in gives."""
        problem = f"{self._whose}: gives {channels} channels of a skeleton's {wanted}, of which no bones can be made"
        return ContractError(f"{problem}\n  set bones: false where the skeleton is encoded, or keep its joints")

    def _mistake(self, what: str, wanted: str) -> ContractError:
        return ContractError(f"{self._whose}: {what}, wanted an array of finite numbers {wanted}\n  mend it there")


class TransformShards:
    """Makes one modality's series and patches anew; see `pipeline.stages.sharded.Sharded`.

    Rows, shards and attributes are those of the encode output; a row that is empty there is empty here. Arrays are
    ``features``, ``valid`` and ``series``, as in `pipeline.stages.encode.layout`.
    """

    def __init__(
        self,
        transform: CheckedTransform,
        encoded: FeatureOutput,
        pooling: Pooling,
        reduce: Reduce | CheckedReduction,
        draft: ShardDraft,
        progress: Callable[[int, int, str], None],
    ) -> None:
        self._transform, self._encoded, self._draft, self._progress = transform, encoded, draft, progress
        self._pooling, self._reduce = pooling, reduce
        self._channels, self._width = self._sizes()
        self._arrays = self._layout()
        self._timings = Timings()
        self._finished = 0

    def prepare(self) -> list[int]:
        """See `Sharded.prepare`."""
        create(self._draft, self._arrays, _attributes(self._encoded.attributes, self._channels))
        to_make = pending(self._draft, self._arrays)
        for shard in {*range(self._arrays.shards)}.difference(to_make):
            self._advance(shard)
        return to_make

    def make_shards(self, numbers: Iterable[int]) -> Iterator[tuple[int, Note]]:
        """See `Sharded.make_shards`."""
        for shard in numbers:
            rows = self._arrays.rows_of(shard)
            with self._timings.phase("read"):
                series = self._encoded.read("series", rows).astype(np.float32, copy=False)
                valid: NDArray[np.bool_] = self._encoded.read("valid", rows)
            made = np.zeros((len(rows), self._pooling.length, self._channels), np.float32)
            features = np.zeros((len(rows), self._pooling.patches, self._width), np.float32)
            with self._timings.phase("transform"):
                for row in np.flatnonzero(valid.any(1)):
                    made[row] = self._transform(series[row], self._pooling.rate, self._channels)
                    features[row] = self._patches(made[row])
            with self._timings.phase("write"):
                values = {"features": features, "valid": valid, "series": made}
                write_shard(self._draft, self._arrays, shard, values)
            self._advance(shard)
            yield shard, {"timings": self._timings.take()}

    def finalise(self, notes: Iterable[Note]) -> dict[str, Any]:
        """See `Sharded.finalise`; ``timings`` are this run's seconds by phase."""
        return {"timings": seconds_by_phase(notes)}

    def _sizes(self) -> tuple[int, int]:
        """Return how many channels and features there will be: those of the first recording."""
        rows = np.flatnonzero(self._encoded.read("valid").any(1))
        if not len(rows):
            return self._encoded.array("series").shape[2], self._encoded.array("features").shape[2]
        first = int(rows[0])
        series = self._encoded.read("series", range(first, first + 1))[0].astype(np.float32)
        made = self._transform(series, self._pooling.rate)
        if self._pooling.parents and made.shape[1] != series.shape[1]:
            raise self._transform.no_joints(made.shape[1], series.shape[1])
        return made.shape[1], self._patches(made).shape[1]

    def _patches(self, series: Series) -> NDArray[np.float32]:
        """Reduce a series (L, C) to patches (P, D), as encoding does."""
        pooling, timeline = self._pooling, torch.from_numpy(series)[None]
        if pooling.parents:
            timeline = derive_bones(timeline, pooling.parents)
        if pooling.velocities:
            timeline = derive_velocities(timeline)
        starts = torch.arange(pooling.patches) * pooling.stride
        pooled: NDArray[np.float32] = patches(timeline, starts, pooling.window, self._reduce)[0].numpy()
        if isinstance(self._reduce, CheckedReduction) and not np.isfinite(pooled).all():
            raise self._reduce.mistake("gave a value that is not finite")
        return pooled

    def _layout(self) -> FeatureLayout:
        pooling = self._pooling
        arrays = (
            FeatureArray("features", (pooling.patches, self._width), "float32", ("patch", "feature")),
            FeatureArray("valid", (pooling.patches,), "bool", ("patch",)),
            FeatureArray("series", (pooling.length, self._channels), "float32", ("sample", "channel")),
        )
        return FeatureLayout(rows=self._encoded.rows, arrays=arrays)

    def _advance(self, shard: int) -> None:
        self._finished += len(self._arrays.rows_of(shard))
        self._progress(self._finished, self._arrays.rows, "recordings")


def _attributes(given: Mapping[str, Any], channels: int) -> dict[str, Any]:
    """Return the attributes of the encode output; where channels are others, no axis of them is known to be upright."""
    changed = channels != given.get("channels")
    return {**{k: v for k, v in given.items() if not (changed and k == "vertical_axis")}, "channels": channels}
