"""Options of commands that are about a store rather than an experiment."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.options import F, experiment_options
from pipeline.errors import ConfigError
from pipeline.stagesfile.load import read_document
from pipeline.stagesfile.schema import Experiment, convert
from pipeline.stagesfile.settings import parse_setting, with_settings
from store import Store


def store_options(command: F) -> F:
    """Add ``--store`` beside ``-f``, ``--set`` and ``--debug``."""
    option = click.option("--store", "url", metavar="URL", help="The store; that of the stages file where left out.")
    return experiment_options(option(command))


def open_store(path: Path, settings: tuple[str, ...], url: str | None) -> Store:
    """Open the store that is named, or the stages file's; ConfigError where there is none."""
    if url is None:
        document = with_settings(read_document(path), [parse_setting(text) for text in settings], "--set")
        named = convert(document, "", document.values, Experiment).store
        store = Store.open(named, base=path.absolute().parent)
    else:
        store = Store.open(url)
    if not store.exists():
        raise ConfigError(
            f"there is no store at {store.url}\n  `pipeline run` makes one; name another with --store URL"
        )
    return store
