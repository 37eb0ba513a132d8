"""``pipeline store ls``, ``show``, ``path``, ``du`` and ``card``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.groups import Commands
from pipeline.cli.named_outputs import NamedOutputs
from pipeline.cli.options import json_text
from pipeline.cli.store_card import card
from pipeline.cli.store_options import open_store, store_options
from pipeline.cli.told import WHAT, say
from pipeline.errors import ConfigError
from pipeline.report.store import outputs
from pipeline.stagesfile.schema import did_you_mean
from pipeline.terminal import note
from store import Store, usage_of, users_of

if TYPE_CHECKING:
    from store import Lineage, Users


@click.group(cls=Commands)
def command() -> None:
    """Look at what is in a store: ls, show, path, du; write a README for it: card."""


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


@command.command(epilog=f"{WHAT}\n\nExample: pipeline store show 'encode[depth]'")
@click.argument("what")
@store_options
@click.option("--json", "as_json", is_flag=True, help="Print everything but the list of objects as JSON.")
def show(path: Path, settings: tuple[str, ...], url: str | None, what: str, as_json: bool) -> int:
    """Show where an output comes from.

    Who made it when, from and into what, who uses it, and its recipe. Of an entry with several steps, list these.
    """
    named = NamedOutputs.find(path, settings, url, what)
    store = named.store
    if len(named.outputs) > 1:
        rows = [outputs.StepRow(id_, *name, named.state(name)) for name, id_ in named.outputs.items()]
        print(json_text([row._asdict() for row in rows])) if as_json else say(outputs.steps_text(rows, store.url))
        return 0
    stage, key = named.one()
    if (published := store.folder(stage, key).published) is None:
        raise named.missing((stage, key))
    lineage = store.lineage()
    manifest = store.output(stage, key).manifest
    family = [(stage, other) for other in store.family(stage, manifest.family) if other != key]
    origins = {
        "made from": [name for parent in manifest.inputs for name in lineage.with_key_prefix(parent)],
        "made into": lineage.children((stage, key)),
        "same recipe": family,
    }
    refs = _users(store, lineage).by_output.get((stage, key), ())
    print(
        json_text(outputs.show_json(manifest, origins, refs, published.modified))
        if as_json
        else outputs.show_text(manifest, origins, refs, published.modified)
    )
    return 0


@command.command("path", epilog=f"{WHAT}\n\nExample: ls \"$(pipeline store path 'encode[depth]')\"")
@click.argument("what")
@store_options
def path_of(path: Path, settings: tuple[str, ...], url: str | None, what: str) -> int:
    """Print where an output lies: its folder, or its URL in a bucket.

    Features are read there with Zarr, models with safetensors. Nothing is compared with the manifest: `pipeline verify`
    does that.
    """
    named = NamedOutputs.find(path, settings, url, what)
    name = named.one()
    if not named.store.has(*name):
        raise named.missing(name)
    place = named.store.output(*name).url
    print(place if "://" in place else Path(place).absolute())
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
