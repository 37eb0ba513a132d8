"""The code that a step depends on: every module reachable by imports from its own modules, within a scope.

The modules of a plug-in reach those of the scope, and those of their own package or folder.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from pipeline.errors import ConfigError
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.keys.loaded_code import CodeHashes, in_scope
from pipeline.keys.plugin_code import base_of, is_file, is_plugin
from pipeline.keys.syntax import normalise, type_checking_only
from store import NotPlainFile, read_plain_file
from store.canonical import digest

_LARGEST = 16 << 20  # bytes of a module
_FORMAT = 4  # raised whenever `Module` says anything else of the same code


class Module(msgspec.Struct, frozen=True, array_like=True):
    """What keys need to know of a module."""

    syntax: str  # digest of its normalised tree
    imports: tuple[str, ...]  # dotted names within the scope, of modules or attributes


def reach(roots: Iterable[str], find: Callable[[str], Module | None]) -> dict[str, Module]:
    """Return the modules that `roots` reach by imports, with the packages that they lie in, sorted by name.

    Parameters
    ----------
    find
        Returns a module by its dotted name; None for a name that is none (an attribute, code outside the scope).
    """
    reached: dict[str, Module] = {}
    waiting = [name for root in roots for name in _with_parents(root)]
    while waiting:
        name = waiting.pop()
        if name not in reached and (module := find(name)) is not None:
            reached[name] = module
            waiting += _imported(module.imports)
    return dict(sorted(reached.items()))


class CodeIndex:
    """Answers closures; parsing is remembered by content in the user's cache folder.

    Parameters
    ----------
    root
        The folder that holds the packages of the scope.
    folder
        That of the stages file, from which files of plug-ins are found.
    """

    def __init__(self, root: Path | None = None, folder: Path | None = None) -> None:
        self.root = root or Path(__file__).resolve().parents[2]
        self._folder = str(folder or self.root)
        self._bases: dict[str, str | None] = {}  # of plug-ins: see `base_of`
        self._anchors = {str(self.root)}  # folders that are there, and how they are spelt is not looked at
        self._file = cache_folder() / f"code-{_FORMAT}.cache"
        self._known: dict[str, Module] = self._load()
        self._dirty = False
        self._modules: dict[str, Module | None] = {}
        self._sources: dict[str, str] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def closure(self, roots: Iterable[str]) -> dict[str, str]:
        """Map each module that the roots reach to the digest of its normalised syntax, sorted by name."""
        return {name: module.syntax for name, module in self.modules(roots).items()}

    def modules(self, roots: Iterable[str]) -> dict[str, Module]:
        """Return the modules that the roots reach, sorted by name."""
        return reach(roots, self._module)

    def hashes(self, closure: Iterable[str]) -> CodeHashes:
        """Return what the files of a closure's modules were when they were hashed, for `check_code`."""
        modules = ((name, self._module(name)) for name in closure)
        return {name: (self._sources[name], module.syntax) for name, module in modules if module}

    def save(self) -> None:
        """Remember what was parsed; losing it costs only time."""
        if self._dirty:
            write_cache(self._file, msgspec.json.encode(self._known))
            self._dirty = False

    def _load(self) -> dict[str, Module]:
        try:
            return msgspec.json.decode(read_cache(self._file) or b"{}", type=dict[str, Module])
        except msgspec.DecodeError:  # of another version
            return {}

    def _module(self, name: str) -> Module | None:
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        base = self._base(name)
        if base is None:
            return None
        module, init = f"{base}.py", os.path.join(base, "__init__.py")
        present = [path for path in (init, module) if self._is_there(path)]  # the first is what Python takes
        if len(present) == 2:
            folder = os.path.dirname(init)
            raise ConfigError(
                f"{module}: the package {folder} is there, too, and Python imports that\n"
                f"  remove {module}, or the folder {folder} if the file is meant"
            )
        for path in present:  # none for most names, which are those of attributes
            try:
                source = _read_plugin(path) if is_plugin(name) else _read_own(path)
            except FileNotFoundError:  # went away meanwhile
                continue
            self._sources[name] = hashlib.sha256(source).hexdigest()
            kind = "package" if path == init else "module"  # relative imports differ
            content = f"{kind} {name} {self._sources[name]}"
            if content not in self._known:
                self._known[content] = _parsed(source, path, name, path == init)
                self._dirty = True
            return self._known[content]
        return None

    def _base(self, name: str) -> str | None:
        """Return where a module's file is, without its end; None where there can be none."""
        if not is_plugin(name):
            return os.path.join(self.root, *name.split("."))
        top, *below = name.split(".")
        if top not in self._bases:
            self._bases[top] = base_of(top, self._folder)
            if (base := self._bases[top]) is not None:
                self._anchors.add(base if is_file(top) else os.path.dirname(base))
        base = self._bases[top]
        # what is in a folder's own __init__.py, files in it do not run
        return None if base is None or (is_file(top) and not below) else os.path.join(base, *below)

    def _is_there(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if folder not in self._listed:
            self._listed[folder] = frozenset()
            if folder in self._anchors or self._is_there(folder):
                with suppress(FileNotFoundError, NotADirectoryError):
                    self._listed[folder] = frozenset(os.listdir(folder))
        return name in self._listed[folder]


def _read_own(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _read_plugin(path: str) -> bytes:
    """Read a file of somebody's; ConfigError where it is no plain file, or too large for a module."""
    try:
        source = read_plain_file(Path(path), _LARGEST + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        problem = str(error.strerror)
        problem = problem if isinstance(error, NotPlainFile) else f"cannot be read: {problem}"
        raise ConfigError(f"{path}: {problem}\n  it counts as a module: put a Python file there") from None
    if len(source) > _LARGEST:
        raise ConfigError(f"{path}: has more than {_LARGEST >> 20} MiB\n  it counts as a module: read data by a path")
    return source


def _parsed(source: bytes, path: str, name: str, package: bool) -> Module:
    try:
        imports = tuple(sorted(set(_imports(ast.parse(source), name, package))))
        return Module(digest(normalise(source)), imports)
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        problem = error.msg if isinstance(error, SyntaxError) else error
        raise ConfigError(f"{path}{line}: not valid Python: {problem}\n  fix the file and run again") from None


@cache  # of every module, which many steps reach
def _imported(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(each for name in names for each in _with_parents(name))


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    names = [".".join(parts[: i + 1]) for i in range(len(parts))]
    return [name for name in names if in_scope(name) or is_plugin(name)]


def _is_followed(target: str, name: str) -> bool:
    """Tell whether what a module imports is hashed with it: it is of the scope, or of the same plug-in."""
    top = name.partition(".")[0]
    return in_scope(target) or (is_plugin(top) and target.partition(".")[0] == top)


def _imports(node: ast.AST, name: str, package: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if type_checking_only(child):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if _is_followed(alias.name, name))
        elif isinstance(child, ast.ImportFrom):
            origin = child.module or ""
            if child.level:
                parts = name.split(".")
                parts = parts[: len(parts) - child.level + (1 if package else 0)]
                origin = ".".join([*parts, *filter(None, [child.module])])
            targets = [f"{origin}.{alias.name}" for alias in child.names]
            yield from (target for target in targets if _is_followed(target, name))
        yield from _imports(child, name, package)
