"""Modalities, windows, protocol and models that suit what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.init.streams.found import LONG_GAP, StreamFound
from pipeline.sources.base import Recording

_WINDOW, _USUAL = 0.45, 5.0  # seconds, of a window and of a recording where files do not say
_FEWEST_PATCHES, _MOST_PATCHES = 6, 30  # windows are longer in long recordings
_HALVES, _FEW_SUBJECTS = 6, 10
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
    streams: Mapping[str, StreamFound],
    recordings: Sequence[Recording],
    *,
    wanted: Sequence[str] = (),
    alone: bool,
    length: float,
    sets: Sequence[str] = (),
) -> Experiment:
    """Choose what suits.

    Parameters
    ----------
    wanted
        The modalities that are decided on; those that most recordings have where left out.
    alone
        Whether nothing says who is in a recording.
    length
        Of recordings within longer files, in seconds; 0 where they are whole files.
    sets
        The parts that the data set was published in.
    """
    made = Experiment()
    decided = [each for each in wanted if each in streams]
    made.keys["modalities"] = chosen = decided or _modalities(streams, recordings)
    if not decided:
        _say_left_out(made, streams, recordings, chosen)
    whole = [each for each in recordings if {*chosen} <= {*each.streams}]
    made.keys["protocol"] = _protocol(made, whole or recordings, alone=alone)
    if tests := [each for each in sets if each.lower().startswith("test")]:
        made.keys["protocol"] = {"test": {"set": tests[0]}}
        made.comments["protocol"] = "as names of files say: the others train"
    made.keys["seeds"] = [0, 1, 2] if len(recordings) < 5000 else [0]
    if lacking := len(recordings) - len(whole):
        made.keys["on_bad_recording"] = "skip"
        said = f"{lacking} of {len(recordings)} recordings lack one of the modalities"
        made.comments["on_bad_recording"] = said
        made.notes.append(f"{said}, and are skipped: `on_bad_recording: skip`")
    made.keys["stages"] = {"encode": _encode(made, streams, chosen, length), **_models(made, streams, chosen)}
    return made


def _modalities(streams: Mapping[str, StreamFound], recordings: Sequence[Recording]) -> list[str]:
    have = {name: sum(name in each.streams for each in recordings) for name in streams}
    chosen = [name for name, count in have.items() if count >= _LEAST * max(have.values())] or [*streams]
    while len(chosen) > 1:  # few recordings may have all of them
        whole = sum({*chosen} <= {*each.streams} for each in recordings)
        if whole >= _LEAST * len(recordings):
            break
        chosen.remove(min(chosen, key=lambda name: have[name]))
    return chosen


def _say_left_out(
    made: Experiment, streams: Mapping[str, StreamFound], recordings: Sequence[Recording], chosen: Sequence[str]
) -> None:
    left = [name for name in streams if name not in chosen]
    if not left:
        return
    have = {name: sum(name in each.streams for each in recordings) for name in left}
    few = ", ".join(f"{name} ({have[name]} of {len(recordings)} recordings)" for name in left)
    made.comments["modalities"] = f"without {few}: models see recordings that have all modalities"
    made.notes.append(f"left out of `modalities`: {few}; models see recordings that have all of them")


def _protocol(made: Experiment, recordings: Sequence[Recording], *, alone: bool) -> Any:
    """Choose folds of people that training has not seen, as well as there are people."""
    classes: dict[str, set[str]] = {}
    for each in recordings:
        classes.setdefault(each.subject, set()).add(each.action)
    subjects = [*classes]
    numbers = [int(each) for each in subjects if each.isascii() and each.isdigit()]
    random = "half of the recordings by chance, so that subjects are in training and test alike"
    chosen: Any = "random"
    if alone:
        why = f"{random}: names do not say who is in a recording"
    elif len(subjects) < 2:
        why = "half of the recordings by chance: with one subject alone, nothing is told of other people"
        made.notes.append(f"there is one subject alone ({subjects[0]}), so that results tell nothing of other people")
    elif len(numbers) == len(subjects) >= _HALVES and {number % 2 for number in numbers} == {0, 1}:
        chosen, why = "subject-50-50", "subjects with odd numbers train, those with even ones test"
    elif len(subjects) <= _FEW_SUBJECTS:
        chosen, why = "loso", f"each of {len(subjects)} subjects in turn is tested by a model of the others"
    else:
        chosen, why = {"k-folds": 5}, f"a fifth of {len(subjects)} subjects in turn is tested by a model of the others"
        if len({*map(frozenset, classes.values())}) > 1:
            chosen["stratified"] = True
            why += "; stratified, since not all of them did everything"
    made.comments["protocol"] = why
    return chosen


def _encode(made: Experiment, streams: Mapping[str, StreamFound], chosen: Sequence[str], length: float) -> Any:
    encode: dict[str, Any] = {}
    for name in chosen:
        stream, key = streams[name], f"stages.encode.{name}"
        if stream.kind == "video":
            encode[name] = {"backbone": "resnet18", "weights": "none", "image_size": 112, "patches": 10}
            made.comments[key] = "\n".join(_NO_WEIGHTS)
            continue
        seconds = length or stream.seconds or _USUAL
        patches = min(max(round(2 * seconds / _WINDOW) - 1, _FEWEST_PATCHES), _MOST_PATCHES)
        stride = max(1, round(seconds * stream.rate / (patches + 1)))
        encode[name] = {"window": 2 * stride, "stride": stride, "patches": patches, "align": "resample"}
        said = [f"{patches} windows of {2 * stride / stream.rate:.2g} s"]
        if length or stream.seconds:
            said[0] += f" over a recording, usually of {seconds:.3g} s"
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
