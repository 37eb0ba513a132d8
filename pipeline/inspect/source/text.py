"""A source's facts, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from pipeline.formatting import counted, cut, shortened
from pipeline.inspect.source import clipping, outliers
from pipeline.inspect.source.facts import SourceFacts, Spread, StreamFacts
from pipeline.report.formats.text_table import table

WIDTH = 80
_NAMED = 5  # recordings that are named of each kind
_BARS = 30
_FAR = {"seconds": "lasts {:.3g} s, its class {:.3g} s", "magnitude": "is {:.3g} large, its class {:.3g}"}
_TABLE = 12  # classes of which each has a line; more stand side by side


def as_text(facts: SourceFacts) -> str:
    """Write the table."""
    lines = [*_head(facts), "", *_classes(facts), "", *_people(facts), "", *_streams(facts)]
    if doubts := [line for stream in facts.streams for line in _doubts(stream, facts)]:
        lines += ["", "to look at:", *doubts, *_rules(facts)]
    if broken := [each for stream in facts.streams for each in stream.broken]:
        lines += ["", f"cannot be read: {counted(len(broken), 'file')}"]
        lines += _wrapped(shortened([each.reason for each in broken], _NAMED))
    if facts.unplaced:
        lines += ["", f"belong to no recording: {counted(len(facts.unplaced), 'file')}"]
        lines += _wrapped(shortened(facts.unplaced, _NAMED))
    if assumed := [f"{stream.name}: {text}" for stream in facts.streams for text in stream.assumed]:
        lines += ["", "assumed:", *_wrapped(assumed)]
    if not doubts and not broken and not facts.unplaced:
        lines += ["", "nothing looks wrong"]
    return "\n".join(lines)


def _head(facts: SourceFacts) -> list[str]:
    rest = "" if facts.read == facts.recordings else f"; {facts.read:,} read, evenly chosen (--all reads all)"
    return [
        f"{facts.source}: {counted(facts.recordings, 'recording')}{rest}",
        cut(facts.root, WIDTH),
    ]


def _classes(facts: SourceFacts) -> list[str]:
    counts = facts.classes
    most, least = max(counts.values()), min(counts.values())
    if len(counts) <= _TABLE:
        names = {name: cut(name, 34) for name in counts}
        bars = {name: "#" * round(_BARS * count / max(most, 1)) for name, count in counts.items()}
        rows = [[names[name], f"{count:,}", bars[name]] for name, count in counts.items()]
        lines = table(["class", "recordings", ""], rows, right=[1]).splitlines()
    else:
        lines = [f"{len(counts)} classes, recordings of each:", *_side_by_side(counts)]
    if most > 1.5 * least:
        small = [name for name, count in counts.items() if count == least]
        large = next(name for name, count in counts.items() if count == most)
        times = f", {most / least:.1f} times as many" if least else ""
        said = f"unbalanced: fewest {', '.join(shortened(small, 3))} ({least:,}), most {large} ({most:,}){times}"
        lines += textwrap.wrap(said, WIDTH)
    return lines


def _side_by_side(counts: dict[str, int]) -> list[str]:
    cells = [(cut(name, 30), f"{count:,}") for name, count in counts.items()]
    width = max(len(name) + len(count) for name, count in cells) + 2
    across = max(1, (WIDTH - 2 + 3) // (width + 3))
    down = -(-len(cells) // across)
    texts = [name + count.rjust(width - len(name)) for name, count in cells]
    return ["  " + "   ".join(texts[row::down]).rstrip() for row in range(down)]


def _people(facts: SourceFacts) -> list[str]:
    lines = [_counts("subject", facts.subjects), _counts("session", facts.sessions)]
    lacking = {who: [name for name, n in row.items() if not n] for who, row in facts.by_subject.items()}
    some = [f"{who} ({', '.join(shortened(names, 2))})" for who, names in lacking.items() if names]
    if some:
        lines.append(f"subjects without a class: {', '.join(shortened(some, 4))}")
    return [line for said in lines for line in textwrap.wrap(said, WIDTH, subsequent_indent="  ")]


def _counts(what: str, counts: dict[str, int]) -> str:
    names = ", ".join(shortened(list(counts), 10))
    least, most = min(counts.values()), max(counts.values())
    each = f"{least:,} to {most:,}" if least < most else f"{most:,}"
    if len(counts) == 1:
        return f"1 {what} with {counted(most, 'recording')}: {names}"
    return f"{counted(len(counts), what)} with {each} recording{'' if most == 1 else 's'} each: {names}"


def _streams(facts: SourceFacts) -> list[str]:
    rows = [
        [
            cut(stream.name, 18),
            stream.kind,
            f"{stream.recordings:,}",
            f"{len(stream.missing):,}" if stream.missing else "-",
            f"{len(stream.broken):,}" if stream.broken else "-",
            _spread(stream.seconds),
            _rates(stream.rates),
            f"{stream.rate:g}",
        ]
        for stream in facts.streams
    ]
    header = ["stream", "kind", "there", "missing", "broken", "seconds*", "Hz", "nominal"]
    lines = [*table(header, rows, right=[*range(2, 8)]).splitlines(), "* least / median / most of what was read"]
    if facts.complete < facts.recordings:
        streams = counted(len(facts.streams), "stream")
        of = "the one stream" if len(facts.streams) == 1 else f"all {streams}"
        lines.append(f"{of} there and readable: in {facts.complete:,} of {counted(facts.recordings, 'recording')}")
    return lines


def _spread(spread: Spread | None) -> str:
    return "-" if spread is None else " / ".join(map(_short, (spread.least, spread.median, spread.most)))


def _rates(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    least, most = _short(spread.least), _short(spread.most)
    return least if least == most else f"{least}-{most}"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}"


def _doubts(stream: StreamFacts, facts: SourceFacts) -> list[str]:
    said = [*_times_doubts(stream), *(f"units: {text}" for text in stream.units), *stream.clocks]
    if stream.missing:
        whole = f" (all of {', '.join(shortened(stream.lacked_by, _NAMED))})" if stream.lacked_by else ""
        said.insert(0, f"missing in {len(stream.missing):,} of {facts.recordings:,}{whole}: {_names(stream.missing)}")
    if len(stream.shapes) > 1:
        shapes = ", ".join(f"{shape} in {counted(count, 'recording')}" for shape, count in stream.shapes.items())
        said.append(f"samples differ in shape: {shapes}")
    for what, words in _FAR.items():
        far = [each for each in stream.far if each.what == what]
        some = shortened([f"{each.recording} {words.format(each.value, each.median)}" for each in far], 3)
        if far:
            said.append(f"{counted(len(far), 'outlier')} in {what}: {'; '.join(some)}")
    for each in stream.clipped:
        who = _names(each.recordings)
        said.append(f"channel {each.channel} seems clipped at {each.value:.6g}: {each.samples:,} samples, in {who}")
    return _wrapped([f"{stream.name}: {text}" for text in said])


def _rules(facts: SourceFacts) -> list[str]:
    """Say by which rules something was found."""
    rules = []
    if any(stream.far for stream in facts.streams):
        rules.append(f"outlier: {outliers.RULE}")
    if any(stream.clipped for stream in facts.streams):
        rules.append(f"clipped: {clipping.RULE}")
    return _wrapped([f"({rule})" for rule in rules])


def _times_doubts(stream: StreamFacts) -> Iterator[str]:
    if stream.off_rate and stream.rates is not None:
        found = f"median {_short(stream.rates.median)} Hz, nominal {stream.rate:g}"
        yield f"rate more than a tenth off in {_of_read(stream, stream.off_rate)} ({found})"
    if stream.bursts:
        yield f"samples come in bursts in {_of_read(stream, stream.bursts)}"
    if stream.gaps:
        yield f"gaps in {_of_read(stream, stream.gaps)}, the longest {stream.longest_gap:.3g} s"


def _of_read(stream: StreamFacts, recordings: Sequence[str]) -> str:
    return f"{len(recordings):,} of {stream.read:,} read: {_names(recordings)}"


def _names(recordings: Sequence[str]) -> str:
    return ", ".join(shortened(recordings, _NAMED))


def _wrapped(texts: Sequence[str]) -> list[str]:
    return [
        line for text in texts for line in textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]
