"""One recording's facts, at most 80 columns wide."""

from __future__ import annotations

import textwrap

from pipeline.formatting import cut, shortened
from pipeline.inspect.recording.facts import Examined, Stream
from pipeline.inspect.recording.made import Gramian, Patches
from pipeline.report.formats.text_table import table

WIDTH = 80


def as_text(seen: Examined) -> str:
    """Write what it is, a line a stream, and a line for what each entry makes of a modality."""
    lines = [*_head(seen), "", *_streams(seen.streams)]
    files = [line for each in seen.streams if each.files for line in _listed(each.name, each.files)]
    lines += ["", "files:", *files] if files else []
    if problems := [f"{each.name}: {each.problem}" for each in seen.streams if each.problem]:
        lines += ["", "to look at:", *_wrapped(problems)]
    if assumed := [f"{each.name}: {text}" for each in seen.streams for text in each.assumed]:
        lines += ["", "assumed:", *_wrapped(assumed)]
    lines += ["", "made of it (computed here, not stored):", *_wrapped([*map(_patches, seen.patches)])]
    lines += _wrapped([*map(_gramian, seen.gramians)])
    return "\n".join(lines)


def _head(seen: Examined) -> list[str]:
    recording, classes = seen.recording, seen.opened.source.classes
    said = f"{recording.id}: {recording.action} (class {classes.index(recording.action)} of 0 to {len(classes) - 1})"
    known = {
        "subject": recording.subject,
        "session": recording.session,
        "scene": recording.scene,
        "view": recording.view,
    }
    said += "".join(f", {name} {value}" for name, value in {**known, **recording.columns}.items() if value is not None)
    if recording.start is not None or recording.end is not None:
        end = "the end" if recording.end is None else f"{recording.end:g} s"
        said += f", from {recording.start or 0:g} s to {end} of longer files"
    return textwrap.wrap(said, WIDTH, subsequent_indent="  ")


def _streams(streams: list[Stream]) -> list[str]:
    rows = []
    for each in streams:
        if each.problem or each.timing is None:
            rows.append([cut(each.name, 18), each.modality.kind, "-", "-", "-", "-", "-"])
            continue
        rate = "-" if each.timing.rate is None else f"{each.timing.rate:.4g}"
        shape = " x ".join(map(str, each.shape))
        numbers = [
            f"{each.samples:,}",
            shape,
            f"{each.timing.seconds:.3g}",
            rate,
            f"{each.least:.3g} to {each.most:.3g}",
        ]
        rows.append([cut(each.name, 18), each.modality.kind, *numbers])
    header = ["stream", "kind", "samples", "of each", "seconds", "Hz", "range"]
    return table(header, rows, right=[2, 3, 4, 5, 6]).splitlines()


def _listed(name: str, files: tuple[str, ...]) -> list[str]:
    return _wrapped([f"{name}: {', '.join(shortened(files, 2))}"])


def _patches(each: Patches) -> str:
    where, spec = f"{each.entry}[{each.modality}]", each.windows
    if each.problem:
        return f"{where}: nothing: {each.problem}"
    spans = next(iter(each.spans.values()))
    step = f" every {spec.stride}" if spec.align != "spread" else ""
    said = (
        f"{where}: {each.valid} of {spec.patches} windows of {spec.window} samples{step} ({spec.align}), the first "
        f"from {spans[0, 0]:.2f} to {spans[0, 1]:.2f} s, the last from {spans[-1, 0]:.2f} to {spans[-1, 1]:.2f} s"
    )
    if each.features is not None:
        return f"{said}; features {' x '.join(map(str, each.features.shape))}"
    images = next(iter(each.images.values()))
    return f"{said}; images {' x '.join(map(str, images.shape))} for the network, which is not run here"


def _gramian(each: Gramian) -> str:
    where = f"{each.entry}[{each.modality}]"
    if each.images is None:
        return f"{where}: nothing: {each.problem}"
    return f"{where}: {len(each.images)} images of {each.images.shape[1]} x {each.images.shape[2]}"


def _wrapped(texts: list[str]) -> list[str]:
    wrapped = (textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ") for text in texts)
    return [line for lines in wrapped for line in lines]
