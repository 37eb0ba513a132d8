"""Modalities, windows, protocol and models that suit what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.init.streams.found import LONG_GAP, StreamFound
from pipeline.sources.base import Recording

_WINDOW = 0.45  # seconds
_LEAST = 0.5  # share of recordings that must have a stream
_NO_WEIGHTS = (
    "`weights: none`: a network with random weights, so that nothing is downloaded: its features are",
    "random projections. For pretrained ones: {backbone: resnet50, weights: IMAGENET1K_V1}, or a file's path.",
)


@dataclass
class Experiment:
    """The stages file's keys beside `source`, with comments by dotted key."""

    keys: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def experiment_for(
    streams: Mapping[str, StreamFound], recordings: Sequence[Recording], *, alone: bool, length: float
) -> Experiment:
    """Choose what suits.

    Parameters
    ----------
    alone
        Whether nothing says who is in a recording.
    length
        Of the windows that recordings are cut into, in seconds; 0 where they are not.
    """
    made = Experiment()
    chosen = _modalities(made, streams, recordings)
    made.keys["protocol"] = _protocol(made, recordings, alone=alone)
    made.keys["seeds"] = [0, 1, 2] if len(recordings) < 5000 else [0]
    lacking = sum(not {*chosen} <= {*each.streams} for each in recordings)
    if lacking:
        made.keys["on_bad_recording"] = "skip"
        made.comments["on_bad_recording"] = f"{lacking} of {len(recordings)} recordings lack one of the modalities"
    made.keys["stages"] = {"encode": _encode(made, streams, chosen, length), **_models(made, streams, chosen)}
    return made


def _modalities(made: Experiment, streams: Mapping[str, StreamFound], recordings: Sequence[Recording]) -> list[str]:
    have = {name: sum(name in each.streams for each in recordings) for name in streams}
    chosen = [name for name, count in have.items() if count >= _LEAST * max(have.values())] or [*streams]
    while len(chosen) > 1:  # few recordings may have all of them
        whole = sum({*chosen} <= {*each.streams} for each in recordings)
        rarest = min(chosen, key=lambda name: have[name])
        if whole >= _LEAST * len(recordings):
            break
        chosen.remove(rarest)
    left = [name for name in streams if name not in chosen]
    made.keys["modalities"] = chosen
    if left:
        few = ", ".join(f"{name} ({have[name]} of {len(recordings)} recordings)" for name in left)
        made.comments["modalities"] = f"without {few}: models see recordings that have all modalities"
    return chosen


def _protocol(made: Experiment, recordings: Sequence[Recording], *, alone: bool) -> str:
    subjects = sorted({each.subject for each in recordings})
    numbers = [int(each) for each in subjects if each.isascii() and each.isdigit()]
    random = "half of the recordings by chance, so that subjects are in training and test alike"
    if alone:
        made.comments["protocol"] = f"{random}: names do not say who is in a recording"
        return "random"
    if len(numbers) == len(subjects) >= 6 and {number % 2 for number in numbers} == {0, 1}:
        made.comments["protocol"] = "subjects with odd numbers train, those with even ones test"
        return "subject-50-50"
    if 3 <= len(subjects) <= 10:
        made.comments["protocol"] = "each subject in turn is tested by a model of the others"
        return "loso"
    why = f"{len(subjects)} subject{'s' * (len(subjects) != 1)}"
    made.comments["protocol"] = f"{random} ({why}); docs/stages-file.md has others"
    return "random"


def _encode(made: Experiment, streams: Mapping[str, StreamFound], chosen: Sequence[str], length: float) -> Any:
    encode: dict[str, Any] = {}
    for name in chosen:
        stream, key = streams[name], f"stages.encode.{name}"
        if stream.kind == "video":
            encode[name] = {"backbone": "resnet18", "weights": "none", "image_size": 112, "patches": 10}
            made.comments[key] = "\n".join(_NO_WEIGHTS)
            continue
        stride = max(1, round(_WINDOW * stream.rate / 2))
        encode[name] = {"window": 2 * stride, "stride": stride, "patches": 20, "align": "resample"}
        said = [f"windows of {2 * stride / stream.rate:.2g} s"]
        seconds = length or stream.seconds
        if seconds:
            said.append(f"20 of them over a whole recording, usually {seconds:.2g} s")
        if stream.gap > LONG_GAP:
            said.append(f"gaps (up to {stream.gap:.3g} s) are bridged by straight lines")
        made.comments[key] = ", ".join(said)
        if stream.kind == "skeleton" and "joints" not in stream.keys:
            encode[name] |= {"centre": "none", "scale": "none"}
    return encode


def _models(made: Experiment, streams: Mapping[str, StreamFound], chosen: Sequence[str]) -> dict[str, Any]:
    if len(chosen) == 1 and streams[chosen[0]].kind == "series":
        made.comments["stages.model"] = "a small 1-D network on the aligned series"
        model: Any = "cnn1d"
    else:
        model = {"name": "dmft", "layers": 1}
        made.comments["stages.model"] = "a transformer for each modality, and their fusion"
        if len(chosen) == 1:
            made.comments["stages.model"] = "a transformer over the windows"
    return {"model": {"stage": "train", "needs": ["encode"], "model": model}, "evaluate": {"needs": ["model"]}}
