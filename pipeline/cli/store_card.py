"""``pipeline store card``."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.store_options import open_store, store_options
from pipeline.errors import ConfigError
from store import redact_secrets


@click.command(epilog="Example: pipeline store card --at hf://datasets/OWNER/NAME -o README.md")
@store_options
@click.option("--at", "place", metavar="URL", help="Where others will find the store.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="The file to write, which is not there yet; printed where left out.",
)  # fmt: skip
def card(path: Path, settings: tuple[str, ...], url: str | None, place: str | None, output: Path | None) -> int:
    """Write a README of a store for others.

    What is in it, from which data and code, and how to use it. The licence of the data is yours to fill in.
    """
    from pipeline.report.store.card import ANYWHERE, card_text, read_card

    _check(output)
    store = open_store(path, settings, url)
    there = redact_secrets(place) if place else store.url if "://" in store.url else ANYWHERE
    text = card_text(read_card(store), there)
    if output is None:
        print(text, end="")
        return 0
    with output.open("x", encoding="utf-8") as file:
        file.write(text)
    print(f"{output}: fill in the licence of the recordings, then put it beside the store's store.json")
    return 0


def _check(output: Path | None) -> None:
    if output is not None and output.exists():
        raise ConfigError(f"-o {output}: is there already, and somebody may have edited it\n  choose another name")
    if output is not None and not output.parent.is_dir():
        raise ConfigError(f"-o {output}: there is no folder {output.parent}\n  make it, or name another place")
