"""The schema as a validator sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.schema.stages_file import stages_file_schema


@pytest.fixture(scope="session")
def marks() -> Callable[[Any], list[str]]:
    """Return what a validator marks in a stages file's values: the places, as dotted keys."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: pip install jsonschema")
    validator = jsonschema.Draft202012Validator(stages_file_schema())

    def find(values: Any) -> list[str]:
        as_editors_read = json.loads(json.dumps(values))  # with keys that are text
        errors = validator.iter_errors(as_editors_read)
        deepest = (jsonschema.exceptions.best_match([error]) for error in errors)
        return [".".join(map(str, error.absolute_path)) for error in deepest]

    return find
