"""A normalised syntax tree: equal for equal code under every Python version, whatever comments and line ends.

Left out are positions, contexts, docstrings, empty fields, type comments, and blocks under ``if TYPE_CHECKING``;
adjacent constants of an f-string are merged. Tokens and `ast.dump` differ between versions, so neither is used.
"""

from __future__ import annotations

import ast
from typing import Any

_SKIPPED_FIELDS = frozenset({"ctx", "type_comment", "kind", "type_ignores"})
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def normalise(source: bytes) -> list[Any]:
    """Parse Python source to nested lists of strings; SyntaxError where it is not Python."""
    return _node(ast.parse(source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")))


def type_checking_only(node: ast.AST) -> bool:
    """Tell whether a statement is an ``if TYPE_CHECKING:`` block without an else."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _node(node: ast.AST) -> list[Any]:
    fields: list[Any] = []
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED_FIELDS:
            continue
        if name == "body" and isinstance(node, _WITH_DOCSTRING):
            value = _without_docstring(value)
        if name == "values" and isinstance(node, ast.JoinedStr):
            value = _merged(value)
        if isinstance(node, ast.Constant) and name == "value":
            fields.append([name, _constant(value)])
            continue
        normal = _value(value)
        if normal not in (None, []):
            fields.append([name, normal])
    return [type(node).__name__, *fields]


def _value(value: Any) -> Any:
    if isinstance(value, ast.AST):
        return _node(value)
    if isinstance(value, list):
        # None stands in lists for "no default" (keyword-only arguments) and "no key" (dict unpacking)
        return [_value(item) if item is not None else ["None"] for item in value if not type_checking_only(item)]
    return None if value is None else str(value)


def _constant(value: Any) -> list[str]:
    # not `repr`: what it escapes depends on the Unicode version of the Python that runs
    return [type(value).__name__, value.hex() if isinstance(value, bytes) else ascii(value)]


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body


def _merged(parts: list[ast.expr]) -> list[ast.expr]:
    merged: list[ast.expr] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, ast.Constant) and isinstance(last, ast.Constant):
            merged[-1] = ast.Constant(str(last.value) + str(part.value))
        else:
            merged.append(part)
    return [part for part in merged if not (isinstance(part, ast.Constant) and part.value == "")]
