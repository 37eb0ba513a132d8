"""Rows that an earlier output of the same recipe has: they are copied, and only the others are encoded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
    from pipeline.sources.base import Recording
    from pipeline.stages.context import ShardDraft
    from store import Output

ROWS = "rows.sha256"  # in the output: 32 bytes a row, the digest of what its values depend on beside the family
_DIGEST_BYTES = 32
_MOST_BYTES = 64 << 20  # digests of two million rows


class RowReuse:
    """The earlier output that has most of the rows, as far as it can be read; at first, none.

    A row is copied where its digest is the same and it has values. A recording that broke is read again instead, so
    that its reason, or the failure of the step, is this run's own.

    Parameters
    ----------
    layout
        Of the output that is being written.
    digests
        Of its rows.
    skip
        Recordings whose rows stay empty.

    Attributes
    ----------
    key
        Of the earlier output; None where there is none.
    damaged
        What was wrong with earlier outputs that could not be used, or not to the end, by key.
    """

    _features: FeatureOutput
    _places: NDArray[np.int64]  # for each row, that of the earlier output with its digest, or -1
    _same: NDArray[np.bool_]  # which rows are copied
    _empty: NDArray[np.bool_]  # which are empty here and there

    def __init__(
        self, layout: FeatureLayout, recordings: Sequence[Recording], digests: Sequence[bytes], skip: Collection[str]
    ) -> None:
        self.key: str | None = None
        self.damaged: dict[str, str] = {}
        self._layout, self._digests = layout, digests
        self._ids = [recording.id for recording in recordings]
        self._skip: NDArray[np.bool_] = np.array([name in skip for name in self._ids])
        self._output: Output | None = None
        self._used = False
        self._forget()

    @property
    def provenance(self) -> dict[str, Any]:
        """Return from which output rows were copied, and what was damaged."""
        told: dict[str, Any] = {"from": self.key} if self._used else {}
        if self.damaged:
            told["damaged"] = self.damaged
        return told

    def find(self, outputs: Iterable[Output], draft: ShardDraft) -> None:
        """Choose among earlier outputs, after the draft's arrays were made."""
        if not self._digests:
            return
        wanted = int((~self._skip).sum())
        kind = layout_signature(draft, self._layout)
        for output in outputs:
            if int(self._same.sum()) == wanted:
                return
            if ROWS in output.entries:
                try:
                    self._consider(output, kind)
                except StoreError as error:
                    self.damaged[output.manifest.key] = str(error)

    def copy_shard(self, draft: ShardDraft, shard: int) -> int | None:
        """Copy a shard as it is where the earlier output has one with the same rows.

        Returns how many of its rows have values; None where it was not copied.
        """
        rows = self._layout.rows_of(shard)
        part = slice(rows.start, rows.stop)
        theirs, start = divmod(int(self._places[rows.start]), self._layout.rows_per_shard)
        if (
            self._output is None
            or start
            or not (self._same[part] | self._empty[part]).all()
            or (np.diff(self._places[part]) != 1).any()
            or min(self._features.rows - self._places[rows.start], self._layout.rows_per_shard) != len(rows)
        ):
            return None
        try:
            objects = read_objects(self._output, self._layout, theirs)
        except StoreError as error:
            self._give_up(error)
            return None
        write_shard_reasons(draft, shard, {})  # first: the journal says that the shard is complete
        write_objects(draft, self._layout, shard, objects)
        self._used = True
        return int(self._same[part].sum())

    def take(self, shard: int) -> tuple[NDArray[np.bool_], Mapping[str, NDArray[Any]]]:
        """Return which rows of a shard are there, and their values by array, in order."""
        rows = self._layout.rows_of(shard)
        part = slice(rows.start, rows.stop)
        same = self._same[part].copy()
        if not same.any():
            return same, {}
        try:
            places = self._places[part][same].tolist()
            values = {array.name: self._features.read(array.name, places) for array in self._layout.arrays}
        except StoreError as error:
            self._give_up(error)
            return np.zeros(len(rows), np.bool_), {}
        self._used = True
        return same, values

    def _consider(self, output: Output, kind: Mapping[str, Any]) -> None:
        """Take an output that has more of the rows than the one found so far."""
        size = output.entries[ROWS].size
        if size % _DIGEST_BYTES or size > _MOST_BYTES:
            raise StoreError(f"{output.url}/{ROWS} has {size} bytes, which are no digests of rows")
        data = output.read_bytes(ROWS)
        theirs = {data[at : at + _DIGEST_BYTES]: at // _DIGEST_BYTES for at in range(0, len(data), _DIGEST_BYTES)}
        lost = {item.get("recording") for item in output.read_json(SKIPPED, list[dict[str, str]])}
        places = np.array([theirs.get(each, -1) for each in self._digests])
        broken = np.array([name in lost for name in self._ids])
        same = (places >= 0) & ~broken & ~self._skip
        if same.sum() <= self._same.sum():
            return
        features = open_features(output)
        if features.rows * _DIGEST_BYTES != len(data) or layout_signature_of(features) != kind:
            return
        self.key, self._output, self._features = output.manifest.key, output, features
        self._places, self._same = places, same
        self._empty = (places >= 0) & broken & self._skip

    def _give_up(self, error: Exception) -> None:
        assert self.key is not None
        self.damaged[self.key] = str(error)
        self._output = None
        self._forget()

    def _forget(self) -> None:
        rows = self._layout.rows
        self._places = np.full(rows, -1, np.int64)
        self._same, self._empty = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
