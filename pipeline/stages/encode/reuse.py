"""Rows that an earlier output of the same recipe has: they are copied, and only the others are encoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.encode.encoder import EncodeTask
from pipeline.stages.encode.skipped import SKIPPED, write_shard_reasons
from store.errors import StoreError
from store.features import (
    FeatureLayout,
    FeatureOutput,
    layout_signature,
    layout_signature_of,
    open_features,
    read_objects,
    write_objects,
)

if TYPE_CHECKING:
    from pipeline.stages.context import ShardDraft
    from store import Output

ROWS = "rows.sha256"  # in the output: 32 bytes a row, the digest of what its values depend on beside the family
_DIGEST_BYTES = 32
_MOST_BYTES = 64 << 20  # digests of two million rows


class RowReuse:
    """The earlier output that has most of the rows, as far as it can be read; none where there is no such output.

    A row is copied where its digest is the same and it has values. A recording that broke is read again instead, so
    that its reason, or the failure of the step, is this run's own. The output is chosen when a shard first asks.

    Parameters
    ----------
    layout, draft
        Of the output that is being written; its arrays are created before the first shard asks.
    digests
        Of its rows; nothing is reused where there are none.
    outputs
        Earlier ones of the same family; of two that have as many of the rows the first is chosen.
    """

    _source: Output
    _features: FeatureOutput
    _positions: NDArray[np.int64]  # (rows,) each row's place in the earlier output by its digest, or -1
    _same: NDArray[np.bool_]  # (rows,) which rows are copied
    _empty: NDArray[np.bool_]  # (rows,) which are empty in both outputs

    def __init__(
        self,
        layout: FeatureLayout,
        task: EncodeTask,
        draft: ShardDraft,
        digests: Sequence[bytes],
        outputs: Iterable[Output],
    ) -> None:
        self._layout, self._draft, self._digests = layout, draft, digests
        self._ids = [recording.id for recording in task.recordings]
        self._broken: NDArray[np.bool_] = np.array([id_ in task.broken for id_ in self._ids])
        self._outputs: Iterable[Output] | None = outputs if digests else ()  # None once one is chosen
        self._used: str | None = None  # the key of the output that rows were copied from
        self._damaged: dict[str, str] = {}  # by key, what was wrong with outputs that could not be read to the end
        self._reuse_nothing()

    @property
    def provenance(self) -> dict[str, Any]:
        """Return from which output rows were copied, and what was damaged."""
        origin: dict[str, Any] = {"from": self._used} if self._used else {}
        return {**origin, **({"damaged": self._damaged} if self._damaged else {})}

    def copy_shard(self, shard: int) -> int | None:
        """Copy a shard as it is where the earlier output has one with the same rows.

        Returns how many of its rows have values; None where it was not copied.
        """
        self._choose_source()
        rows = self._layout.rows_of(shard)
        span = slice(rows.start, rows.stop)
        first, length = int(self._positions[rows.start]), self._layout.rows_per_shard
        if not (self._same[span] | self._empty[span]).all():
            return None
        aligned = first % length == 0 and (np.diff(self._positions[span]) == 1).all()
        if not aligned or min(self._features.rows - first, length) != len(rows):
            return None
        try:
            objects = read_objects(self._source, self._layout, first // length)
        except StoreError as error:
            self._give_up(error)
            return None
        write_shard_reasons(self._draft, shard, {})  # first: the journal says that the shard is complete
        write_objects(self._draft, self._layout, shard, objects)
        self._used = self._source.manifest.key
        return int(self._same[span].sum())

    def read_rows(self, shard: int) -> tuple[NDArray[np.bool_], Mapping[str, NDArray[Any]]]:
        """Return which rows of a shard are reused, (n,), and their values by array, in order."""
        self._choose_source()
        rows = self._layout.rows_of(shard)
        span = slice(rows.start, rows.stop)
        same = self._same[span].copy()
        if not same.any():
            return same, {}
        try:
            positions = self._positions[span][same].tolist()
            values = {array.name: self._features.read(array.name, positions) for array in self._layout.arrays}
        except StoreError as error:
            self._give_up(error)
            return np.zeros(len(rows), np.bool_), {}
        self._used = self._source.manifest.key
        return same, values

    def _choose_source(self) -> None:
        if self._outputs is None:
            return
        outputs, self._outputs = self._outputs, None
        wanted = int((~self._broken).sum())
        # Read when it is first needed: most runs have no earlier output.
        signature: dict[str, Any] | None = None
        for output in outputs:
            if int(self._same.sum()) == wanted:
                return
            if ROWS in output.entries:
                signature = signature or layout_signature(self._draft, self._layout)
                try:
                    self._consider(output, signature)
                except StoreError as error:
                    self._damaged[output.manifest.key] = str(error)

    def _consider(self, output: Output, signature: Mapping[str, Any]) -> None:
        """Choose an output that has more of the rows than the one chosen so far."""
        size = output.entries[ROWS].size
        if size % _DIGEST_BYTES or size > _MOST_BYTES:
            raise StoreError(f"{output.url}/{ROWS} has {size} bytes, which are no digests of rows")
        data = output.read_bytes(ROWS)
        by_digest = {data[at : at + _DIGEST_BYTES]: at // _DIGEST_BYTES for at in range(0, len(data), _DIGEST_BYTES)}
        skipped = {item.get("recording") for item in output.read_json(SKIPPED, list[dict[str, str]])}
        positions = np.array([by_digest.get(digest, -1) for digest in self._digests])
        empty = np.array([id_ in skipped for id_ in self._ids])
        same = (positions >= 0) & ~empty & ~self._broken
        if same.sum() <= self._same.sum():
            return
        features = open_features(output)
        if features.rows * _DIGEST_BYTES != len(data) or layout_signature_of(features) != signature:
            return
        self._source, self._features = output, features
        self._positions, self._same = positions, same
        self._empty = (positions >= 0) & empty & self._broken

    def _give_up(self, error: Exception) -> None:
        """Reuse nothing more, of any output: what is left is encoded."""
        self._damaged[self._source.manifest.key] = str(error)
        self._reuse_nothing()

    def _reuse_nothing(self) -> None:
        rows = self._layout.rows
        self._positions = np.full(rows, -1, np.int64)
        self._same, self._empty = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
