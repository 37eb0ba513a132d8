"""An in-memory source, so that encoding is tested without files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.sources.base import Listing, Modality, Probe, Recording, Series, Video
from pipeline.stages.encode.encoder import EncodeTask
from pipeline.stages.encode.shards import EncodeShards
from pipeline.stages.encode.timelines.encoder import TimelineEncoder
from pipeline.stages.encode.video.encoder import VideoEncoder
from pipeline.stages.sharded import run_sharded
from store import Store
from store.features import FeatureOutput, open_features


@dataclass
class MemoryVideo:
    """Frames of an array; `fail_at` breaks like a truncated file."""

    data: NDArray[Any]
    error: BadRecording | None = None
    fail_at: int | None = None
    opened: list[int] = field(default_factory=list)

    @property
    def length(self) -> int:
        return len(self.data)

    def __enter__(self) -> MemoryVideo:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[NDArray[Any]]:
        chosen = range(len(self.data)) if wanted is None else wanted.tolist()
        for number, frame in ((number, self.data[number]) for number in chosen if number < len(self.data)):
            if number == self.fail_at and self.error is not None:
                raise self.error
            yield frame


class MemorySource:
    """Streams by (recording, stream); `broken` raise BadRecording, `explode` anything else."""

    name = "memory"
    root = Path("memory")
    classes = ("wave", "clap")
    modalities: Mapping[str, Modality] = {}

    def __init__(self, data: Mapping[tuple[str, str], Any]) -> None:
        self.data = dict(data)
        self.broken: dict[tuple[str, str], str] = {}
        self.broken_frame = 0
        self.explode: set[str] = set()
        self.read: list[str] = []

    def recordings(self) -> list[Recording]:
        streams: dict[str, dict[str, tuple[str, ...]]] = {}
        for recording, stream in self.data:
            streams.setdefault(recording, {})[stream] = (f"{stream}/{recording}.bin",)
        return [Recording(r, "1", "wave", "1", streams=streams[r]) for r in sorted(streams)]

    def list(self) -> Listing:
        return Listing(tuple(self.recordings()))

    def probe(self, recording: Recording, stream: str) -> Probe:
        found = self.data[recording.id, stream]
        values = found.values if isinstance(found, Series) else found
        return Probe(len(values), tuple(values.shape[1:]))

    def open_series(self, recording: Recording, stream: str) -> Series:
        self._touch(recording, stream)
        if (recording.id, stream) in self.broken:
            raise self._bad(recording, stream)
        found = self.data[recording.id, stream]
        return found if isinstance(found, Series) else Series(np.asarray(found, np.float64))

    def open_video(self, recording: Recording, stream: str) -> Video:
        self._touch(recording, stream)
        data = self.data[recording.id, stream]
        if (recording.id, stream) in self.broken:
            return MemoryVideo(data, self._bad(recording, stream), self.broken_frame)
        return MemoryVideo(data)

    def _touch(self, recording: Recording, stream: str) -> None:
        self.read.append(recording.id)
        if recording.id in self.explode:
            raise KeyboardInterrupt(recording.id)

    def _bad(self, recording: Recording, stream: str) -> BadRecording:
        return BadRecording(recording.id, stream, recording.streams[stream][0], self.broken[recording.id, stream])


_BUILD = {"series": TimelineEncoder, "skeleton": TimelineEncoder, "video": VideoEncoder}
Encode = Callable[..., tuple[FeatureOutput, dict[str, Any]]]


@pytest.fixture
def encode(tmp_path: Path) -> Encode:
    """Encode a memory source into a store in a folder; publish, and open what was published."""

    def run(source: MemorySource, modality: Modality, params: Any, **options: Any) -> Any:
        key = options.pop("key", "0" * 64)
        task = EncodeTask(
            "modality",
            modality,
            source,
            options.pop("recordings", source.recordings()),
            options.pop("broken", {}),
            options.pop("strict", True),
            options.pop("device", torch.device("cpu")),
            **{name: options.pop(name) for name in ("weights_file", "threads", "limits") if name in options},
        )
        given: dict[str, Any] = {"progress": lambda done, total: None, "build": _BUILD[modality.kind]} | options
        store = Store.open(str(tmp_path / "store"))
        with store.draft("encode", key, recipe={"test": True}, inputs=[]) as draft:
            step = EncodeShards(task, params, draft=draft, **given)
            provenance = run_sharded(step)
            output = draft.publish(provenance)
        return open_features(output), provenance

    return run


@pytest.fixture
def memory() -> type[MemorySource]:
    """Return the source's class, for tests that fill one."""
    return MemorySource
