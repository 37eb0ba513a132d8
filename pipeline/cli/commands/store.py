"""``pipeline store ls``, ``show``, ``du`` and ``card``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import json_text
from pipeline.cli.store_card import card
from pipeline.cli.store_options import open_store, store_options
from pipeline.cli.told import say
from pipeline.errors import ConfigError
from pipeline.report import store_report as outputs
from pipeline.stagesfile.schema import did_you_mean
from pipeline.terminal import note
from store import Store, usage_of, users_of
from store.errors import MissingOutput

if TYPE_CHECKING:
    from store import Lineage, OutputName, Users


@click.group()
def command() -> None:
    """Look at what is in a store: ls, show KEY, du; write a README for it: card."""


command.add_command(card)


@command.command(epilog="Example: pipeline store ls --stage train")
@store_options
@click.option("--stage", metavar="STAGE", help="Only this stage's outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def ls(path: Path, settings: tuple[str, ...], url: str | None, stage: str | None, as_json: bool) -> int:
    """List outputs, and who uses them.

    When each was written, how large it is, who made it, and which experiment uses it.
    """
    store = open_store(path, settings, url)
    inventory = store.inventory()
    stages = sorted({folder.stage for folder in inventory.folders.values()})
    if stage is not None and stage not in stages:
        raise ConfigError(f"--stage {stage}: no output of such a stage in {store.url}\n  {did_you_mean(stage, stages)}")
    lineage = store.lineage(inventory.published)
    users = _users(store, lineage)
    begun = [folder for folder in inventory.folders.values() if folder.published or folder.attempts]
    shown = [folder for folder in begun if stage in (None, folder.stage)]
    origins = lineage.origins(folder.name for folder in shown if folder.published)
    listed = [
        outputs.OutputRow(folder, origins.get(folder.name), users.by_output.get(folder.name, ()))
        for folder in sorted(shown, key=lambda each: (each.stage, each.last_modified, each.key))
    ]
    if as_json:
        print(json_text([each.as_json() for each in listed]))
    else:
        print(outputs.list_text(listed, store.url, shutil.get_terminal_size((120, 24)).columns))
    return 0


@command.command(epilog="Example: pipeline store show 6f7a37")
@click.argument("key")
@store_options
@click.option("--json", "as_json", is_flag=True, help="Print everything but the list of objects as JSON.")
def show(path: Path, settings: tuple[str, ...], url: str | None, key: str, as_json: bool) -> int:
    """Show where an output comes from.

    Who made it when, from and into what, who uses it, and its recipe. The beginning of its KEY is enough.
    """
    store = open_store(path, settings, url)
    lineage = store.lineage()
    stage, full = _find(lineage, key, store.url)
    published = store.folder(stage, full).published
    if published is None:
        raise MissingOutput(
            f"{stage} {full} in {store.url} was begun and never finished; run the step that makes it, or clean with "
            "`pipeline gc`"
        )
    manifest = store.output(stage, full).manifest
    family = [(stage, other) for other in store.family(stage, manifest.family) if other != full]
    origins = {
        "made from": [name for parent in manifest.inputs for name in lineage.with_key_prefix(parent)],
        "made into": lineage.children((stage, full)),
        "same recipe": family,
    }
    refs = _users(store, lineage).by_output.get((stage, full), ())
    print(
        json_text(outputs.show_json(manifest, origins, refs, published.modified))
        if as_json
        else outputs.show_text(manifest, origins, refs, published.modified)
    )
    return 0


@command.command(epilog="Example: pipeline store du")
@store_options
@click.option("--json", "as_json", is_flag=True, help="Print the sums as JSON.")
def du(path: Path, settings: tuple[str, ...], url: str | None, as_json: bool) -> int:
    """Say what the bytes are for.

    By stage, by experiment (what it alone uses, and what others use, too), and what could be cleaned.
    """
    store = open_store(path, settings, url)
    inventory = store.inventory()
    lineage = store.lineage(inventory.published)
    usage = usage_of(inventory, lineage, _users(store, lineage))
    if as_json:
        print(json_text(outputs.usage_json(usage, store.url)))
    else:
        say(outputs.usage_text(usage, store.url))
    return 0


def _users(store: Store, lineage: Lineage) -> Users:
    """Return who uses which output; say which references cannot be read."""
    users = users_of(store.refs(), store.url, lineage)
    for why in users.unreadable:
        note(why)
    return users


def _find(lineage: Lineage, key: str, url: str) -> OutputName:
    names = lineage.with_key_prefix(key.rpartition("/")[2])
    if not names:
        raise ConfigError(f"KEY {key}: no output in {url} has a key that begins so\n  `pipeline store ls` lists them")
    if len(names) > 1:
        longer = ", ".join(f"{stage} {each[: len(key) + 4]}" for stage, each in names[:5])
        raise ConfigError(f"KEY {key}: {len(names)} outputs have keys that begin so\n  write more of it: {longer}")
    return names[0]
