"""Read YAML into plain values while remembering the line of every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError
from pipeline.stagesfile.document import Document


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C one is not always built
    """Safe YAML in which ``1e-3`` is a number, as YAML 1.2 has it; YAML 1.1 takes it for text."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def read(path: Path, text: str) -> Document:
    """Read a stages file's text; ConfigError names the line where it is not YAML, or has a key twice."""
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        document = Document(path, {})
        if node is not None:
            _note_lines(node, "", document)
            document.values = loader.construct_document(node)
    except RecursionError:
        raise ConfigError(f"{path}: an alias (*) refers to what it stands in\n  write the value out") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{path}{line}: not valid YAML: {getattr(error, 'problem', None) or error}\n"
            "  mend the line; a value with a colon or a bracket wants quotes"
        ) from None
    finally:
        loader.dispose()
    return document


def read_value(text: str) -> Any:
    """Read one value; ValueError where it is not YAML."""
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _note_lines(node: yaml.Node, prefix: str, document: Document) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = f"{prefix}.{key_node.value}" if prefix else str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in document.lines:
                before = document.lines[key]
                document.lines[key] = line
                raise document.error(key, f"stands twice (before on line {before})", "keep one")
            document.lines[key] = line
            _note_lines(value_node, key, document)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            key = f"{prefix}[{i}]"
            document.lines[key] = item.start_mark.line + 1
            _note_lines(item, key, document)
