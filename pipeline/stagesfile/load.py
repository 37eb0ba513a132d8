"""Read a stages file, or what its text was found to say before.

YAML takes longer to import and to read than most plans to make, so what a text says is kept in the user's cache folder.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import ConfigError
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.stagesfile.document import Document
from store import NotPlainFile, read_plain_file

_MAX_BYTES = 1_000_000


def read_text(path: Path) -> str:
    """Read a stages file's text; ConfigError where there is none."""
    try:
        content = read_plain_file(path, _MAX_BYTES + 1)
        text = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such stages file\n"
            "  give one with `-f FILE`, run where stages.yaml is, or write one: `pipeline init DIR` for your own\n"
            "  recordings, `pipeline init --dataset sample` for a first look"
        ) from None
    except NotPlainFile as error:
        shown = path if path.name else path.absolute()  # of `-f .` and `-f ''`
        raise ConfigError(f"{shown}: {error.strerror}\n  write it to a file, and give that with `-f FILE`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}\n  check the file") from None
    if len(content) > _MAX_BYTES:
        raise ConfigError(f"{path}: has more than {_MAX_BYTES} bytes: no stages file\n  check `-f`")
    return text


def read_document(path: Path, text: str | None = None) -> Document:
    """Read a stages file, or a text of it; ConfigError names the line where it is not YAML, or has a key twice."""
    text = read_text(path) if text is None else text
    if (parsed := _from_cache(text)) is not None:
        return Document(path, parsed.values, parsed.lines)
    from pipeline.stagesfile.reader import read  # imports yaml

    document = read(path, text)
    if not isinstance(document.values, dict):
        raise ConfigError(f"{path}: must be a mapping of keys to values\n  docs/stages-file.md has an example")
    _to_cache(text, _Parsed(document.values, document.lines))
    return document


class _Parsed(msgspec.Struct, frozen=True):
    """A stages file's values, and the line of every dotted key."""

    values: dict[str, Any]
    lines: dict[str, int]


def _from_cache(text: str) -> _Parsed | None:
    try:
        content = read_cache(_cache_file(text))
        return None if content is None else msgspec.json.decode(content, type=_Parsed)
    except msgspec.DecodeError:  # of another version
        return None


def _to_cache(text: str, parsed: _Parsed) -> None:
    """Keep what JSON can say, too; losing it costs only time."""
    with suppress(OverflowError, TypeError, ValueError):
        content = msgspec.json.encode(parsed)
        if msgspec.json.decode(content, type=_Parsed) == parsed:  # not so of dates, or of numbers as keys
            write_cache(_cache_file(text), content)


def _cache_file(text: str) -> Path:
    reader = Path(__file__).with_name("reader.py").read_bytes()  # other code may read it otherwise
    return cache_folder() / "stagesfiles" / f"{sha256(reader + text.encode()).hexdigest()}.cache"
