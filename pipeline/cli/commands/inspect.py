"""``pipeline inspect``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from pipeline.cli.options import exclusive, experiment_options, json_text
from pipeline.cli.told import say
from pipeline.inspect.opened import Opened, chosen_evenly, open_listed, recording_named, refuse_stages_file
from pipeline.inspect.picture_file import check_picture
from pipeline.report.progress_line import ProgressLine
from pipeline.stagesfile.settings import parse_setting
from pipeline.terminal import note

_MOST = 200  # recordings that are read where not all are asked for


@click.command()
@click.argument("recording", required=False)
@experiment_options
@click.option("--all", "read_all", is_flag=True, help=f"Read all recordings, not {_MOST} evenly chosen ones.")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw it, too: an SVG.")
@click.option("--png", type=click.Path(path_type=Path), metavar="FILE", help="Draw it, too: a PNG.")
@click.option(
    "--rerun", type=click.Path(path_type=Path), metavar="FILE",
    help="Write RECORDING's streams on their clock, too: an .rrd for the viewer rerun (needs rerun-sdk).",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def command(
    recording: str | None,
    path: Path,
    settings: tuple[str, ...],
    read_all: bool,
    svg: Path | None,
    png: Path | None,
    rerun: Path | None,
    as_json: bool,
) -> int:
    """Show what is in the source, or of one RECORDING what a model sees."""
    exclusive("--svg", svg, "--png", png)
    exclusive("RECORDING", recording, "--all", read_all)
    for option, file in (("svg", svg), ("png", png)):
        if file is not None:
            check_picture(file, option)
    if rerun is not None:
        _check_rerun(recording, rerun)
    if recording is not None:
        refuse_stages_file(recording)
    line = ProgressLine()

    def progress(what: str, done: int, total: int) -> None:
        line.update(f"{what}: {done} of {total}")

    opened = open_listed(path, [parse_setting(text) for text in settings], progress)
    line.clear()
    picture = svg or png
    if recording is None:
        _source(opened, None if read_all else _MOST, picture, as_json, line)
    else:
        _recording(opened, recording, picture, rerun, as_json)
    if not as_json:
        hint = f"as a picture: add --svg {recording or 'source'}.svg, or --png FILE"
        say(f"picture: {picture}" if picture else hint)
    return 0


def _source(opened: Opened, most: int | None, picture: Path | None, as_json: bool, line: ProgressLine) -> None:
    from pipeline.inspect.source.facts import gather
    from pipeline.inspect.source.looks import look_at
    from pipeline.inspect.source.text import as_text

    recordings = opened.listing.recordings
    chosen = list(recordings) if most is None else chosen_evenly(recordings, most)

    def progress(done: int, total: int) -> None:
        line.update(f"read: {done} of {total}")

    looks = look_at(opened.source, chosen, opened.streams, opened.limits, progress)
    line.clear()
    facts = gather(opened, looks)
    if as_json:
        print(json_text(msgspec.to_builtins(facts)))
    else:
        say(as_text(facts))
    if picture is not None:
        from pipeline.inspect.source.picture import draw

        draw(opened, facts, looks, picture)


def _check_rerun(recording: str | None, file: Path) -> None:
    from pipeline.inspect.rerun.write import check_installed

    if recording is None:
        raise click.UsageError("--rerun is of one recording: give RECORDING, too")
    check_installed()
    check_picture(file, "rrd", "rerun")


def _recording(opened: Opened, name: str, picture: Path | None, rerun: Path | None, as_json: bool) -> None:
    found = recording_named(name, opened)
    from pipeline.inspect.recording.facts import as_json as facts_of
    from pipeline.inspect.recording.facts import examine
    from pipeline.inspect.recording.text import as_text

    seen = examine(opened, found)
    if as_json:
        print(json_text(facts_of(seen)))
    else:
        say(as_text(seen))
    if picture is not None:
        from pipeline.inspect.recording.picture import draw

        draw(seen, picture)
    if rerun is not None:
        from pipeline.inspect.rerun.write import write

        write(opened, found, rerun)
        note(f"written: {rerun}; see it with `rerun {rerun}`")
