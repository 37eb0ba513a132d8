"""What the modules of this process were compiled from: that is what runs, whatever their files say by now.

Keys promise what the code of `SCOPE` does. A plan hashes its files, and processes import them later, some at the end of
hours of work: whoever makes an output compares what was loaded with what was hashed (`check_code`) before any of it is
kept. So modules of the scope, and those of plug-ins, are loaded by a loader of ours, which this package installs when
it is imported. It keeps each module's source, and takes bytecode only where that belongs to this very source: Python
itself goes by size and modification time, which an edit can leave as they were.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from types import CodeType, ModuleType

from pipeline.errors import CodeChanged, ContractError
from pipeline.keys.plugin_code import folder_of, is_file

SCOPE = ("trainers", "pipeline.stages", "pipeline.sources")
_PREFIXES = tuple(f"{scope}." for scope in SCOPE)

CodeHashes = Mapping[str, tuple[str, str]]  # module -> SHA-256 of its source, digest of its normalised syntax

_CHECKED_HASH = (0b11).to_bytes(4, "little")  # of PEP 552: valid for the source with this hash
_DIGEST = 32


def in_scope(name: str) -> bool:
    """Tell whether keys hash a module's code."""
    return f"{name}.".startswith(_PREFIXES)


def check_code(code: CodeHashes) -> None:
    """Check that what was loaded is what was hashed; what is not loaded did nothing.

    Raises
    ------
    CodeChanged
        A module was loaded from other code.
    ContractError
        A file beside a plug-in was loaded as no part of it, so that no key has its code.
    """
    _check_neighbours()
    loaded_modules = ((_loaded.get(name), hashed) for name, hashed in code.items())
    changed = sorted(loaded.file for loaded, hashed in loaded_modules if loaded and not loaded.matches(*hashed))
    if changed:
        raise CodeChanged(f"{', '.join(changed)} changed while this ran; run again")


@contextmanager
def neighbours_allowed() -> Iterator[None]:
    """Let files beside plug-ins be imported by themselves, too: a notebook does so, and makes no output itself."""
    before = _neighbours_allowed.set(True)
    try:
        yield
    finally:
        _neighbours_allowed.reset(before)


def _check_neighbours() -> None:
    if _neighbours_allowed.get():
        return
    packages = (sys.modules.get(top) for top in _watched if is_file(top))
    folders = {folder for package in packages if package is not None for folder in package.__path__}
    for name, module in [*sys.modules.items()] if folders else ():
        file = getattr(module, "__dict__", {}).get("__file__")  # an attribute's look-up may import more
        if not isinstance(file, str) or os.path.dirname(file) not in folders:
            continue
        if not is_watched(name) and module is not sys.modules.get("__main__"):
            raise ContractError(
                f"{file}: was imported as {name}, by `sys.path` or the like, where keys do not see it\n"
                f"  import it by `from .{Path(file).stem} import ...`"
            )


def edited_files() -> list[str]:
    """Return the files that were edited since this process loaded them, but those that are loaded again when needed."""
    loaded_modules = list(_loaded.items())
    return sorted(loaded.file for name, loaded in loaded_modules if not is_file(name) and not loaded.is_current())


def install() -> None:
    """Watch over imports from now on; of what is loaded already, the file is taken as it is."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        for name in filter(in_scope, list(sys.modules)):
            _note_loaded(name)
        sys.meta_path.insert(0, _Finder())


def watch(top: str, code: CodeHashes, folder: str) -> None:
    """Have the modules of a plug-in loaded like those of the scope; `top` is the first part of their names.

    Those of files are loaded anew where what is loaded is not `code`: of another stages file, whose folder is not
    `folder`, or edited since.
    """
    _hashed.update(code)
    if top not in _watched:
        _watched.add(top)
        for name in [each for each in sys.modules if each.partition(".")[0] == top]:
            _note_loaded(name)
    if not is_file(top):
        return
    here, package = folder_of(top, folder), sys.modules.get(top)
    of_plugin = [name for name in _loaded if name.partition(".")[0] == top]
    is_other = package is None or package.__path__ != [here]
    if is_other:
        _hashed.difference_update([name for name in _hashed if name.partition(".")[0] == top and name not in code])
    if is_other or not all(_is_loaded_as(name, code) for name in of_plugin):
        for name in of_plugin:
            sys.modules.pop(name, None)
            del _loaded[name]
        package = ModuleType(top)
        package.__path__ = [here]
        sys.modules[top] = package
        invalidate_caches()


def watched() -> list[str]:
    """Return the first parts of the names of plug-ins' modules that this process has loaded."""
    return [*_watched]


def is_watched(name: str) -> bool:
    """Tell whether a module is of a plug-in that this process has loaded."""
    return name.partition(".")[0] in _watched


def _is_loaded_as(name: str, code: CodeHashes) -> bool:
    return _loaded[name].matches(*code[name]) if name in code else _loaded[name].is_current()


def _note_loaded(name: str) -> None:
    if path := getattr(sys.modules[name], "__file__", None):
        _loaded[name] = _Loaded(path, _read(path))


class _Loaded:
    """A module's file, and the source that it was compiled from; None where that cannot be told."""

    def __init__(self, path: str, source: bytes | None) -> None:
        self.path = path
        self._source = source

    @property
    def file(self) -> str:
        """Return the file's path, within the folder of our packages where it lies there."""
        return os.path.realpath(self.path).removeprefix(os.path.join(Path(__file__).resolve().parents[2], ""))

    def matches(self, sha256: str, syntax: str) -> bool:
        """Tell whether it is the code that was hashed: the same bytes, or others that mean the same."""
        return self._source is not None and (self._sha256 == sha256 or self._syntax == syntax)

    def is_current(self) -> bool:
        """Tell whether its file still holds what was loaded."""
        return self._source == _read(self.path)

    @cached_property
    def _sha256(self) -> str:
        return hashlib.sha256(self._source or b"").hexdigest()

    @cached_property
    def _syntax(self) -> str:
        from pipeline.keys.syntax import normalise
        from store.canonical import digest

        return digest(normalise(self._source or b""))


_loaded: dict[str, _Loaded] = {}
_watched: set[str] = set()  # first parts of the names of plug-ins' modules
_hashed: set[str] = set()  # modules whose code keys have, among them those of plug-ins
_neighbours_allowed: ContextVar[bool] = ContextVar("neighbours_allowed", default=False)


class _Finder:
    """Finds modules of the scope where others do, and has them loaded by `_Loader`."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if not in_scope(name) and not is_watched(name):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if type(spec.loader) is SourceFileLoader:
                    spec.loader = _Loader(name, spec.loader.path)
                elif spec.origin:  # a compiled extension, an archive
                    _loaded[name] = _Loaded(spec.origin, None)
                return spec
        return None


class _Loader(SourceFileLoader):
    """Loads a module by its source, or by bytecode that was compiled from it.

    Bytecode has Python's own format and place, and a digest of itself at its end, which Python ignores.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        if is_watched(fullname) and fullname not in _hashed:
            below = fullname.partition(".")[2]
            raise ContractError(
                f"{path}: is imported by `importlib` or the like, where keys do not see it\n"
                f"  import it by a statement, as `from .{below} import ...`"
            )
        source = self.get_data(path)
        kept = cache_from_source(path)
        head = MAGIC_NUMBER + _CHECKED_HASH + source_hash(source)
        code = self._kept(kept, head, path)
        if code is None:
            code = self.source_to_code(source, path)
            content = head + marshal.dumps(code)
            if not sys.dont_write_bytecode:
                self.set_data(kept, content + hashlib.sha256(content).digest())
        _loaded[fullname] = _Loaded(path, source)
        return code

    def _kept(self, kept: str, head: bytes, path: str) -> CodeType | None:
        try:
            data = self.get_data(kept)
        except OSError:
            return None
        content = data[:-_DIGEST]
        if not content.startswith(head) or hashlib.sha256(content).digest() != data[-_DIGEST:]:
            return None
        code = marshal.loads(memoryview(content)[len(head) :])
        return code if isinstance(code, CodeType) and code.co_filename == path else None  # else: of a moved folder


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes() if path.endswith(".py") else None
    except OSError:
        return None
