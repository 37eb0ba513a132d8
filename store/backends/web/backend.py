"""A backend behind a web server that serves plain files: objects are read by their names, and that is all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn

from obstore.exceptions import BaseError, GenericError
from obstore.store import HTTPStore

from store.backends.base import Data, IrregularPath, ObjectInfo
from store.backends.lock_owner import LockOwner
from store.backends.object_store import requests
from store.backends.object_store.clients import retries, timeouts
from store.backends.object_store.service_errors import REFUSED_ERRORS
from store.backends.web.addresses import Address, address_of
from store.backends.web.answers import check_answer, describe
from store.errors import NotPermitted, StoreError, UnsupportedUrl

_BEYOND_END = re.compile(r"status code: 416")


def open_web(url: str) -> WebBackend:
    """Open the backend at an https:// or hf:// URL; nothing is sent yet.

    Redirects are followed, at most ten; to the host and port that were named goes a token, and to no other.
    """
    address = address_of(url)
    options = timeouts() | {"allow_http": address.base.startswith("http://")}
    if address.token:
        options["default_headers"] = {"Authorization": f"Bearer {address.token}"}
    try:
        files = HTTPStore.from_url(address.base, client_options=options, retry_config=retries())
    except (BaseError, ValueError):
        raise UnsupportedUrl(f"no store can be opened at {url}; is HF_TOKEN or the URL mistyped?") from None
    return WebBackend(url, address, files)


class WebBackend:
    """A store of which a web server gives single files by their names."""

    locks_are_exclusive = False
    read_only = True

    def __init__(self, url: str, address: Address, files: HTTPStore) -> None:
        self.url = url.rstrip("/")
        self._upload = address.upload
        self._is_hub = url.lower().startswith("hf://")
        self._files = files

    def check_mounted(self, store_exists: bool) -> None:
        """Do nothing: a server that is away is an error of every request anyway."""

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        with self._translated("read", path):
            if stop is None:
                stop = self._size(path)
            elif start >= stop:
                self._size(path)  # raises where there is no such object
            if start >= stop:
                return b""
            if start == 0:  # as a whole: of an empty file no server gives a part
                return requests.first_bytes(self._files, path, stop, check_answer)[0][:stop]
            try:
                return requests.get(self._files, path, start, stop, check_answer)
            except GenericError as error:
                if not _BEYOND_END.search(str(error)) or self._size(path) > start:
                    raise
                return b""

    def stream(self, path: str) -> Iterator[Data]:
        with self._translated("read", path):
            yield from requests.stream(self._files, path, check_answer)

    def drop_cached(self, path: str) -> None:
        """Do nothing: every read is a request of its own."""

    def size(self, path: str) -> int | None:
        with self._translated("look at", path):
            try:
                return self._size(path)
            except FileNotFoundError:
                return None

    def _size(self, path: str) -> int:
        return int(requests.head(self._files, path, check_answer)["size"])

    def put(self, path: str, data: Data, *, durable: bool = False) -> None:
        self._refuse_to_write(path)

    def write_stream(self, path: str, size: int, pieces: Iterator[Data]) -> None:
        self._refuse_to_write(path)

    def copy(self, path: str, to: str) -> None:
        self._refuse_to_write(to)

    def put_if_absent(self, path: str, data: Data) -> bool:
        self._refuse_to_write(path)

    def list_paths(self, prefix: str) -> Iterator[str]:
        self._refuse_to_list(prefix)

    def list_objects(self, prefix: str, irregular: list[IrregularPath] | None = None) -> Iterator[ObjectInfo]:
        self._refuse_to_list(prefix)

    def list_dir(self, prefix: str) -> list[str]:
        self._refuse_to_list(prefix)

    def list_folders(self, prefix: str) -> list[str]:
        self._refuse_to_list(prefix)

    def delete(self, path: str) -> None:
        self._refuse_to_write(path)

    def delete_all(self, prefix: str) -> None:
        self._refuse_to_write(prefix)

    def drop_folder(self, prefix: str, lock: str) -> None:
        self._refuse_to_write(prefix)

    def move_all(self, prefix: str, to: str) -> None:
        self._refuse_to_write(prefix)

    def free_bytes(self) -> int | None:
        return None

    def sync(self, paths: Iterable[str]) -> None:
        """Do nothing: nothing was written."""

    def check_writable(self) -> bool:
        self._refuse_to_write("")

    def lock_owner(self, path: str) -> LockOwner | None:
        return None

    def lock(self, path: str, what: str) -> AbstractContextManager[None]:
        self._refuse_to_write(path)

    def _refuse_to_write(self, path: str) -> NoReturn:
        where = f"{self.url}/{path}".rstrip("/")
        raise NotPermitted(
            f"cannot write {where}: behind a web server a store is only read. Let its owner push to a folder, and send "
            f"that folder there (`{self._upload}`)"
        )

    def _refuse_to_list(self, prefix: str) -> NoReturn:
        raise NotPermitted(
            f"cannot list {self.url}/{prefix}: a web server gives files by their names, and does not say which there "
            "are. `run`, `status`, `pull` and `verify` of an experiment need no list; for all else copy the whole "
            "folder, and use the copy"
        )

    @contextmanager
    def _translated(self, action: str, path: str) -> Iterator[None]:
        try:
            yield
        except BaseError as error:  # not chained: it may hold what the server wrote, or a signature
            error_type = NotPermitted if isinstance(error, REFUSED_ERRORS) else StoreError
            problem = describe(error, self._is_hub)
            raise error_type(f"cannot {action} {self.url}/{path}: {problem}") from None
