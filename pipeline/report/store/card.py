"""A store's README for others: what is in it, what it was made from, and how to use it, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.formatting import counted, shortened, size
from pipeline.plan.recordings.output_readers import index_rows
from pipeline.registry import GIVES_MODEL, TESTS
from pipeline.version import full_version
from store import Store
from store.canonical import digest

if TYPE_CHECKING:
    from store import Manifest

ANYWHERE = "https://HOST/FOLDER"  # in place of a URL that is not known yet

_ARRAYS = ("encode", "gaf", "transform")  # stages whose outputs are arrays with a row a recording
_MOST_LISTED = 20  # outputs of arrays, newest first
_MOST_CLASSES = 12
_DIGITS = 12  # of a digest


@dataclass(frozen=True)
class Listed:
    """A row of the table: an output, or several of one stage.

    Attributes
    ----------
    arrays
        Their names, shapes (recording, ...) and types, in words.
    """

    stage: str
    what: str
    recordings: str
    arrays: str
    bytes: int


@dataclass(frozen=True)
class Origin:
    """One dataset that outputs were made from: in words, and the SHA-256 of its streams."""

    source: str
    recordings: str
    raw: Mapping[str, str]


@dataclass(frozen=True)
class Card:
    """What a store's README says."""

    outputs: int
    bytes: int
    newest: str  # when the last output was made, ISO 8601
    listed: Sequence[Listed]
    origins: Sequence[Origin]
    code: Mapping[str, Sequence[str]]  # digests of the code that outputs were made by, by stage
    libraries: Sequence[str]


def read_card(store: Store) -> Card:
    """Read every manifest of a store, the tables of recordings, and the metadata of arrays.

    Raises
    ------
    Corrupt
        One of them is damaged: nothing is shared that nobody can use.
    NotPermitted
        The store cannot be listed.
    """
    found = [manifest for name in store.outputs() if (manifest := store.manifest(*name)) is not None]
    manifests = sorted(found, key=lambda each: (each.created, each.key), reverse=True)
    by_stage: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        by_stage.setdefault(manifest.stage, []).append(manifest)
    indexes = by_stage.get("index", [])
    arrays = [manifest for stage in _ARRAYS for manifest in by_stage.get(stage, [])]
    others = [stage for stage in (*GIVES_MODEL, *TESTS, *sorted(by_stage)) if stage not in ("index", *_ARRAYS)]
    listed = [
        *(_listed_array(store, manifest) for manifest in arrays[:_MOST_LISTED]),
        *_listed_rest(arrays[_MOST_LISTED:]),
        *(_listed_stage(stage, by_stage[stage]) for stage in dict.fromkeys(others) if stage in by_stage),
    ]
    return Card(
        outputs=len(manifests),
        bytes=sum(each.bytes for each in manifests),
        newest=manifests[0].created if manifests else "",
        listed=listed,
        origins=[_origin(store, index) for index in indexes],
        code={stage: _digests(each) for stage, each in by_stage.items()},
        libraries=_libraries(manifests),
    )


def _listed_array(store: Store, manifest: Manifest) -> Listed:
    from store.features import open_features  # imports numpy

    features = open_features(store.output(manifest.stage, manifest.key))
    shapes = []
    for name in features.names:
        array = features.array(name)
        shapes.append(f"{name} {' x '.join(map(str, array.shape))} {array.dtype}")
    modality = manifest.recipe.get("modality")
    what = modality if isinstance(modality, str) else _modality(modality)
    return Listed(manifest.stage, what, f"{features.rows:,}", ", ".join(shapes), manifest.bytes)


def _modality(described: Any) -> str:
    if not isinstance(described, dict):
        return ""
    rate = described.get("rate")
    at = f" at {rate:g} Hz" if isinstance(rate, (int, float)) else ""
    return f"{described.get('name')} ({described.get('kind')}{at})"


def _listed_rest(manifests: Sequence[Manifest]) -> Iterable[Listed]:
    if manifests:
        yield Listed("", f"{len(manifests):,} more, older", "", "", sum(each.bytes for each in manifests))


def _listed_stage(stage: str, manifests: Sequence[Manifest]) -> Listed:
    kinds: Counter[str] = Counter()
    for manifest in manifests:
        params = manifest.recipe.get("params")
        model = params.get("model") if isinstance(params, dict) else None
        kinds[str(model["name"]) if isinstance(model, dict) and "name" in model else ""] += 1
    named = ", ".join(f"{count} {name}" if count > 1 else name for name, count in sorted(kinds.items()) if name)
    what = counted(len(manifests), "model" if stage in GIVES_MODEL else "output")
    return Listed(stage, f"{what}: {named}" if named else what, "", "", sum(each.bytes for each in manifests))


def _origin(store: Store, index: Manifest) -> Origin:
    rows = list(index_rows(store.output(index.stage, index.key)))
    subjects, actions = {row.subject for row in rows}, list(dict.fromkeys(row.action for row in rows))
    classes = ", ".join(shortened(sorted(actions), _MOST_CLASSES))
    source, raw = dict(index.recipe.get("source", {})), index.recipe.get("raw", {})
    params = ", ".join(f"{name} {value}" for name, value in source.items() if name != "name")
    return Origin(
        f"{source.get('name', 'unknown')}" + (f" ({params})" if params else ""),
        f"{counted(len(rows), 'recording')} of {counted(len(subjects), 'subject')}, {len(actions)} classes: {classes}",
        raw if isinstance(raw, dict) else {},
    )


def _digests(manifests: Iterable[Manifest]) -> list[str]:
    return list(dict.fromkeys(digest(manifest.recipe.get("code", {}))[:_DIGITS] for manifest in manifests))


def _libraries(manifests: Iterable[Manifest]) -> list[str]:
    said = (f"{name} {value}" for each in manifests for name, value in each.provenance.items())
    return sorted({each for each in said if each.startswith(("python ", "torch "))})


def card_text(card: Card, url: str) -> str:
    """Write the README; `url` is where others will find the store."""
    names = dict.fromkeys(origin.source.partition(" (")[0] for origin in card.origins)
    parts = [
        f"# Outputs of harvest, made from {_plain(', '.join(names)) or 'recordings'}",
        f"{counted(card.outputs, 'output')}, {size(card.bytes)}, the last made {card.newest[:10] or 'never'}.\n"
        "Each lies under the SHA-256 of the recipe that made it, and each of its objects is compared with its own\n"
        "SHA-256 when it is copied. Arrays are Zarr, models safetensors, all else JSON.",
        "## What is in it",
        _table(card.listed),
        "## What it was made from",
        _made_from(card),
        "## How to use it",
        "In an empty folder, with the `stages.yaml` and `stages.lock` of whoever shares this:",
        _use(url),
    ]
    return "\n\n".join(parts) + "\n"


def _table(listed: Iterable[Listed]) -> str:
    rows = [["stage", "what", "recordings", "arrays", "size"], ["---", "---", "---:", "---", "---:"]]
    rows += [[each.stage, each.what, each.recordings, each.arrays, size(each.bytes)] for each in listed]
    return "\n".join(f"| {' | '.join(map(_plain, row))} |" for row in rows)


def _made_from(card: Card) -> str:
    lines = []
    for origin in card.origins:
        lines.append(f"- `{_plain(origin.source)}`: {_plain(origin.recordings)}")
        lines += [f"  - SHA-256 of its {_plain(stream)}: `{_plain(str(sha))}`" for stream, sha in origin.raw.items()]
    code = "; ".join(f"{stage} {', '.join(shortened(digests, 3))}" for stage, digests in sorted(card.code.items()))
    return "\n".join(
        [
            *(lines or ["- No index is in it, which would say."]),
            "- Licence of the recordings: **to be filled in**. It may hold for features and models made of them, too.",
            f"- Code, by the beginning of its SHA-256: {_plain(code)}. Harvest {full_version()} wrote this card.",
            *([f"- With {_plain(', '.join(card.libraries))}."] if card.libraries else []),
        ]
    )


def _use(url: str) -> str:
    lines = {
        "pip install ./harvest": f"a checkout of harvest, or its wheel: version {full_version()}",
        f"export PIPELINE_REMOTE={url}": "or in stages.yaml, as remote:",
        "pipeline status": "what is in the remote, and what would be made",
        "pipeline pull": "fetch it, each object checked",
        "pipeline run": "train and evaluate what is not there yet",
        "pipeline results": "the figures",
    }
    width = max(map(len, lines))
    return "\n".join(f"    {command.ljust(width)}   # {what}" for command, what in lines.items())


def _plain(text: str) -> str:
    """Return a text that stays within a cell and a line of Markdown, whatever a manifest says."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown.replace("|", "/").replace("`", "'").replace("<", "(").replace(">", ")")
