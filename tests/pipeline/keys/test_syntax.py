"""Equal code has an equal normalised tree, whatever its dress; other code has another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline.keys.syntax import normalise
from store.canonical import canonical_json, digest

REPOSITORY = Path(__file__).resolve().parents[3]
MODULES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for package in ("pipeline", "store", "trainers")
    for path in (REPOSITORY / package).rglob("*.py")
)


def same(one: str, other: str) -> bool:
    return normalise(one.encode()) == normalise(other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("x = 1", "# why\nx = 1  # because\n", id="comments"),
        pytest.param("x = 1", '"""What it is."""\nx = 1', id="docstring of a module"),
        pytest.param("def f():\n return 1", 'def f():\n "Says one."\n return 1', id="docstring of a function"),
        pytest.param("class A:\n x = 1", 'class A:\n """A thing."""\n x = 1', id="docstring of a class"),
        pytest.param("async def f():\n return 1", 'async def f():\n """Late."""\n return 1', id="docstring, async"),
        pytest.param('def f():\n "a"\n return 1', 'def f():\n "b"\n return 1', id="another docstring"),
        pytest.param("x = 1\ny = 2", "x = 1\n\n\n\ny = 2\n\n", id="blank lines"),
        pytest.param("x = 'it'", 'x = "it"', id="quotes"),
        pytest.param("x = 'a' 'b'", "x = 'ab'", id="implicit concatenation"),
        pytest.param("x = u'a'", "x = 'a'", id="u prefix"),
        pytest.param("x = r'\\d'", "x = '\\\\d'", id="raw string"),
        pytest.param("x = 1000", "x = 1_000", id="underscores in numbers"),
        pytest.param("x = 0x10", "x = 16", id="base of numbers"),
        pytest.param("x = a + b", "x = a + \\\n    b", id="line continuation"),
        pytest.param("x = a + b * c", "x = (a + (b * c))", id="parentheses"),
        pytest.param("x = f(a, b)", "x = f(\n    a,\n    b,\n)", id="trailing comma"),
        pytest.param("def f(a): return a", "def f(\n    a,\n):\n    return a", id="wrapped definition"),
        pytest.param("x = 1; y = 2", "x = 1\ny = 2", id="semicolon"),
        pytest.param("x = 1\ny = 2", "x = 1\r\ny = 2\r\n", id="CRLF"),
        pytest.param("x = '''a\nb'''", "x = '''a\r\nb'''", id="CRLF within a string"),
        pytest.param("if a:\n\tb = 1", "if a:\n    b = 1", id="tabs"),
        pytest.param("x = 1", "\ufeffx = 1", id="byte order mark"),
        pytest.param("x = 1", "if TYPE_CHECKING:\n    import a\nx = 1", id="TYPE_CHECKING"),
        pytest.param("x = 1", "if typing.TYPE_CHECKING:\n    import a\nx = 1", id="typing.TYPE_CHECKING"),
        pytest.param("x = f'a{b}c'", "x = f'a' f'{b}' 'c'", id="pieces of an f-string"),
        pytest.param("x = f'{a}'", 'x = f"""{a}"""', id="quotes of an f-string"),
        pytest.param("x: int = 1", "x: int = 1  # type: ignore[misc]", id="type comments"),
    ],
)
def test_dress_changes_nothing(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 1", "x = '1'"),
        ("x = 'a'", "x = b'a'"),
        ("x = 'a'", "x = 'A'"),
        ("x = 0.1", "x = 0.10000000000000002"),
        ("x = 0.0", "x = -0.0"),
        ("x = None", "x = ..."),
        ("x = 'ä'", "x = 'a\u0308'"),
        ("x = a + b", "x = a - b"),
        ("x = a and b", "x = a or b"),
        ("x = a < b", "x = a <= b"),
        ("x = a is b", "x = a == b"),
        ("x = (a + b) * c", "x = a + b * c"),
        ("def f(a=1): ...", "def f(a=2): ..."),
        ("def f(a, b=1): ...", "def f(a=1, b=1): ..."),
        ("def f(*, a, b=1): ...", "def f(*, a=1, b): ..."),
        ("def f(a, /, b): ...", "def f(a, b, /): ..."),
        ("def f(a: int): ...", "def f(a: str): ..."),
        ("def f(): ...", "async def f(): ..."),
        ("@a\ndef f(): ...", "@b\ndef f(): ..."),
        ("@a\n@b\ndef f(): ...", "@b\n@a\ndef f(): ..."),
        ("x = {**a, 'b': 1}", "x = {'b': 1, **a}"),
        ("x = [a, b]", "x = (a, b)"),
        ("x = a[1:]", "x = a[:1]"),
        ("x = f'{a}'", "x = f'{a!r}'"),
        ("x = f'{a:3}'", "x = f'{a:4}'"),
        ("x = f'a{b}'", "x = 'a{b}'"),
        ("import a", "import a as b"),
        ("from . import a", "from .. import a"),
        ("from a import b", "from a import c"),
        ("if a:\n x = 1\nelse:\n x = 2", "if a:\n x = 1\nx = 2"),
        ("if TYPE_CHECKING:\n x = 1\nelse:\n x = 2", "if TYPE_CHECKING:\n x = 1\nelse:\n x = 3"),
        ("if not TYPE_CHECKING:\n x = 1", "if not TYPE_CHECKING:\n x = 2"),
        ("x = [a for a in b if c]", "x = [a for a in b]"),
        ("global a", "global b"),
        ("match x:\n case [1, *y]: pass", "match x:\n case [1, *z]: pass"),
        ("match x:\n case None: pass", "match x:\n case True: pass"),
        ("'a'\n'b'\nx = 1", "'a'\n'c'\nx = 1"),  # only the first string is a docstring
        ("class A[T]: ...", "class A[U]: ..."),
    ],
)
def test_meaning_changes_the_tree(one: str, other: str) -> None:
    try:
        ast.parse(one)
    except SyntaxError:
        pytest.skip("newer syntax than this Python's")
    assert not same(one, other)


@pytest.mark.parametrize("module", MODULES)
def test_what_the_parser_writes_back_is_the_same(module: str) -> None:
    source = (REPOSITORY / module).read_bytes()
    tree = normalise(source)
    assert tree == normalise(ast.unparse(ast.parse(source)).encode())
    assert tree == normalise(source.replace(b"\n", b"\r\n"))
    canonical_json(tree)


SNIPPET = '''\
"""A bit of everything whose tree or tokens ever differed between Python versions."""
from __future__ import annotations
import typing as t
from . import sibling
from ..above import thing as other

@decorated(1, key="value")
async def work(a, /, b: int = -1, *rest, c=..., d, **more) -> t.Any:
    """Say nothing."""
    global done
    async with other as (x, y), sibling:
        async for z in x:
            yield f"{z!r:>{y}} it's \\"{b + 1:.3f}\\" {{}} {a=}" "tail" f""
    if (n := len(rest)) > 10_000 and not (n is None or n in {*rest, *more}) if False else {**more}:
        await thing
    match rest:
        case {"k": 1, **left} | [1, 2.5, *left] if left:
            return
        case thing.Point(x=0, y=None) as p:
            raise ValueError(f'nested {more["key"]} {"inner " + f"{p}"}') from None
        case _:
            pass
    try:
        del a[1:, ..., ::2]
    except* (OSError, KeyError) as error:
        print(error, file=None, end="\\n\\x00\\xe9 \\u2192 \\U0001fae8 → 🫨 ﬁ")
    finally:
        done = lambda q, *, r=1j: [i async for i in q if i @ r // 2 ** -3]
    assert b"\\xff" != 1e400, "never"

class Thing(Base, metaclass=Meta):
    x: t.ClassVar[list[int]] = [f"{b:}", f"{{{b}}}", f"{b:{x}.{y}}", f"{ b = !s:>{x}}", rf"\\d{b}\\{{", f"{b:%H:%M}"]
    y: int
    __slots__ = ()
'''


def test_golden_tree() -> None:
    """The same under every Python; a change of it makes every output of every store stale: say so if you mean it."""
    assert digest(normalise(SNIPPET.encode())) == "4007647aaff550ececb091ff82b11d22c90b5cf9fad305b6aa53b0780da9c886"
