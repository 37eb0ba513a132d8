"""The code that a step depends on: every module reachable by imports from its own modules, within a scope."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from pipeline.errors import ConfigError
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.keys.loaded_code import SCOPE, CodeHashes
from pipeline.keys.syntax import normalise, type_checking_only
from store.canonical import digest

_FORMAT = 3  # raised whenever `_Module` says anything else of the same code


class _Module(msgspec.Struct, frozen=True):
    syntax: str  # digest of the normalised tree
    imports: tuple[str, ...]  # dotted names within the scope, modules or attributes


class CodeIndex:
    """Answers closures; parsing is remembered by content in the user's cache folder.

    Parameters
    ----------
    root
        The folder that holds the packages of the scope.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or Path(__file__).resolve().parents[2]
        self._file = cache_folder() / f"code-{_FORMAT}.cache"
        self._known: dict[str, _Module] = self._load()
        self._dirty = False
        self._modules: dict[str, _Module | None] = {}
        self._sources: dict[str, str] = {}
        self._reached: dict[str, frozenset[str]] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def closure(self, roots: Iterable[str]) -> dict[str, str]:
        """Map each module that the roots reach to the digest of its normalised syntax, sorted by name."""
        starts = [name for root in roots for name in _with_packages(root)]
        names = reachable(starts, self._needs)
        return {name: module.syntax for name in names if (module := self._module(name))}

    def hashes(self, closure: Iterable[str]) -> CodeHashes:
        """Return what the files of a closure's modules were when they were hashed, for `check_code`."""
        modules = ((name, self._module(name)) for name in closure)
        return {name: (self._sources[name], module.syntax) for name, module in modules if module}

    def all_modules(self) -> Iterator[str]:
        """Yield the name of every module in the scope, in no order."""
        for scope in SCOPE:
            for path in self.root.joinpath(*scope.split(".")).rglob("*.py"):
                parts = path.relative_to(self.root).with_suffix("").parts
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def needs(self, name: str) -> list[str]:
        """Return the modules that a module imports, and the package that it lies in: what `closure` goes on to."""
        module = self._module(name)
        targets = [_with_packages(each) for each in (*(module.imports if module else ()), name.rpartition(".")[0])]
        # of `trainers.a.b` as of `trainers.a.b.attribute` the module b, which leads to the packages that it lies in
        nearest = (next(filter(self._module, reversed(names)), None) for names in targets)
        return sorted({target for target in nearest if target})

    def _needs(self, name: str) -> frozenset[str] | None:
        """Return what a module imports, with packages, modules and attributes alike; None where it is no module."""
        if name not in self._reached:
            module = self._module(name)
            if module is None:
                return None
            self._reached[name] = frozenset(each for target in module.imports for each in _with_packages(target))
        return self._reached[name]

    def save(self) -> None:
        """Remember what was parsed; losing it costs only time."""
        if self._dirty:
            write_cache(self._file, msgspec.json.encode(self._known))
            self._dirty = False

    def _load(self) -> dict[str, _Module]:
        try:
            return msgspec.json.decode(read_cache(self._file) or b"{}", type=dict[str, _Module])
        except msgspec.DecodeError:  # of another version
            return {}

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> _Module | None:
        base = os.path.join(self.root, *name.split("."))
        module, init = f"{base}.py", os.path.join(base, "__init__.py")
        there = [path for path in (init, module) if self._is_there(path)]  # the first is what Python takes
        if len(there) == 2:
            folder = os.path.dirname(init)
            raise ConfigError(
                f"{module}: the package {folder} is there, too, and Python imports that\n"
                f"  remove {module}, or the folder {folder} if the file is meant"
            )
        for path in there:  # none for most names, which are those of attributes
            try:
                with open(path, "rb") as file:
                    source = file.read()
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

    def _is_there(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if folder not in self._listed:
            self._listed[folder] = frozenset()
            if folder == str(self.root) or self._is_there(folder):
                with suppress(FileNotFoundError, NotADirectoryError):
                    self._listed[folder] = frozenset(os.listdir(folder))
        return name in self._listed[folder]


def reachable(starts: Iterable[str], needs: Callable[[str], Iterable[str] | None]) -> list[str]:
    """Return the modules that can be reached, sorted; `needs` says what a module needs, None of what is no module."""
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in reached and (targets := needs(name)) is not None:
            reached.add(name)
            waiting += targets
    return sorted(reached)


def _parsed(source: bytes, path: str, name: str, package: bool) -> _Module:
    try:
        imports = tuple(sorted(set(_imports(ast.parse(source), name, package))))
        return _Module(digest(normalise(source)), imports)
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        problem = error.msg if isinstance(error, SyntaxError) else error
        raise ConfigError(f"{path}{line}: not valid Python: {problem}\n  mend the file and run again") from None


def _with_packages(name: str) -> list[str]:
    parts = name.split(".")
    names = [".".join(parts[: i + 1]) for i in range(len(parts))]
    return [name for name in names if any(name == scope or name.startswith(scope + ".") for scope in SCOPE)]


def _imports(node: ast.AST, name: str, package: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if type_checking_only(child):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if _with_packages(alias.name))
        elif isinstance(child, ast.ImportFrom):
            origin = child.module or ""
            if child.level:
                parts = name.split(".")
                parts = parts[: len(parts) - child.level + (1 if package else 0)]
                origin = ".".join([*parts, *filter(None, [child.module])])
            targets = [f"{origin}.{alias.name}" for alias in child.names]
            yield from (target for target in targets if _with_packages(target))
        yield from _imports(child, name, package)
