"""Where the objects of an https:// or hf:// URL lie, and what is sent along with each request for one."""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from store.environment import is_true
from store.errors import UnsupportedUrl
from store.redaction import redact_secrets

_HUB = "https://huggingface.co"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REVISION = r"refs/(?:pr/[0-9]+|convert/[A-Za-z0-9._-]+)|[A-Za-z0-9._%-]+"
_DATASET = re.compile(rf"datasets/(?P<name>{_NAME}/{_NAME})(?:@(?P<revision>{_REVISION}))?(?P<path>(?:/[^/@?#]+)*)/?")
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1")


class Address(NamedTuple):
    """Where objects lie."""

    base: str  # an object's URL is this, a slash and its path
    token: str = ""  # for the server of `base` and no other
    upload: str = ""  # the command that sends a folder there, for messages


def address_of(url: str) -> Address:
    """Return where the objects of a URL lie; nothing is sent.

    Raises
    ------
    UnsupportedUrl
        It is not of the form ``https://HOST/PATH`` or ``hf://datasets/OWNER/NAME[@REVISION][/PATH]``, or ``http://``
        is asked of another machine.
    """
    scheme, _, rest = url.partition("://")
    if scheme.lower() == "hf":
        return _dataset(url, rest)
    _check_server(url, f"the store's URL {url}")
    return Address(f"{scheme.lower()}://{rest.rstrip('/')}", upload="rsync")


def _dataset(url: str, rest: str) -> Address:
    found = _DATASET.fullmatch(rest)
    path = unquote(found["path"]).strip("/") if found else ""
    if not found or ".." in path.split("/"):
        shown = redact_secrets(re.split("[?#]", url)[0])
        raise UnsupportedUrl(
            f"no store can be opened at {shown}; write hf://datasets/OWNER/NAME, hf://datasets/OWNER/NAME/FOLDER, or "
            "with a branch, tag or commit hf://datasets/OWNER/NAME@REVISION/FOLDER"
        )
    hub = (os.environ.get("HF_ENDPOINT", "").strip() or _HUB).rstrip("/")
    _check_server(hub, "HF_ENDPOINT")
    revision = quote(unquote(found["revision"] or "main"), safe="")
    base = f"{hub}/datasets/{found['name']}/resolve/{revision}/{quote(path)}".rstrip("/")
    upload = f"hf upload {found['name']} FOLDER {path or '.'} --repo-type dataset"
    return Address(base, os.environ.get("HF_TOKEN", "").strip(), upload)


def _check_server(url: str, what: str) -> None:
    """Raise UnsupportedUrl where a URL names no server, or one that would be spoken to unencrypted."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http") or "@" in parts.netloc or parts.query or parts.fragment:
        raise UnsupportedUrl(f"{what} names no web server; write https://HOST/FOLDER")
    allowed = is_true(os.environ.get("PIPELINE_ALLOW_HTTP", ""))
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(host) and not allowed:
        raise UnsupportedUrl(
            f"{what} is not encrypted: whoever is on the way may read it, and change it unseen. Write https://, or in "
            "a network that you trust set PIPELINE_ALLOW_HTTP=true"
        )
