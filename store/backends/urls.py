"""From what the user wrote to a backend: a folder, file://, s3://, gs://, az://, https://, hf:// or memory://."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from store.backends.base import Backend
from store.backends.local.backend import LocalBackend
from store.errors import UnsupportedUrl
from store.home import expand_home
from store.redaction import redact_secrets

CLOUD = ("s3", "gs", "az")
WEB = ("https", "http", "hf")

_SCHEMES = ", ".join(f"{each}://" for each in ("file", *CLOUD, "https", "hf", "memory"))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def open_backend(url: str, base: Path | None = None) -> Backend:
    """Open the backend that a URL names.

    Parameters
    ----------
    url : str
        A folder (``~`` is the home folder) or a URL.
    base : Path, optional
        What a relative folder is relative to; the working directory by default.

    Raises
    ------
    UnsupportedUrl
        An unknown scheme, or credentials inside the URL, which the message does not repeat.
    """
    if "\0" in unquote(url):
        raise UnsupportedUrl("the store's URL holds a NUL character; take it out")
    scheme = _SCHEME.match(url)
    if scheme is None:
        if not url:
            raise UnsupportedUrl("the store's URL is empty; name a folder or a URL, for example .store")
        if "://" in url:
            raise UnsupportedUrl(f"no store can be opened at {redact_secrets(url)}; use a folder or one of {_SCHEMES}")
        return LocalBackend((base or Path()) / expand_home(url))
    name = scheme[1].lower()
    if name == "hf":  # where an `@` stands before a revision
        return _open_web(url)
    parts = urlsplit(url)
    rest = url[scheme.end() :]
    # Any `@` counts: a secret may contain `/`, `?` and `#`. Only in the path of a folder is it an ordinary letter.
    if "@" in rest and not (name == "file" and rest.startswith("/")):
        raise UnsupportedUrl(
            f"the store's URL {redact_secrets(''.join(url.split()))} carries credentials; "
            "take them out and set them in the environment"
        )
    if parts.query or parts.fragment:
        raise UnsupportedUrl(
            f"the store's URL {name}://{parts.netloc}{parts.path}?... carries parameters, which may be credentials; "
            "take them out and set them in the environment"
        )
    if name == "file":
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise UnsupportedUrl(f"{url} names another machine; write file:///absolute/folder")
        return LocalBackend(Path(unquote(parts.path)))
    if name in CLOUD or name == "memory":
        from store.backends.object_store.backend import open_bucket

        return open_bucket(url, name)
    if name in WEB:
        return _open_web(url)
    raise UnsupportedUrl(f"no store can be opened at {url}; use a folder or one of {_SCHEMES}")


def _open_web(url: str) -> Backend:
    from store.backends.web.backend import open_web

    return open_web(url)
