"""What a web server answers: whether it is the object that was asked for, and its failures in one line each."""

from __future__ import annotations

import re
from typing import Any

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from store.backends.object_store.deadlines import DeadlineExceeded
from store.backends.object_store.service_errors import cause_of

_PAGES = ("text/html", "application/xhtml+xml")
_STATUS = re.compile(r"status code: ([0-9]{3}(?: [A-Za-z][A-Za-z' -]{0,40})?)")
_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(\w+)")
_NETWORK = "Check the URL and the network, then run again"
_KNOWN = (  # what obstore's message holds -> what is wrong, and what to do about it
    ("TooManyRedirects", "it redirects on and on", "Check the URL; its owner has to end that"),
    (
        "BadScheme",
        "it redirects to an address that is not https://",
        "Name the address that it leads to, or let its owner change that",
    ),
    (
        "Range request not supported",
        "it answers no request for a part of a file (Range), or not always",
        "Have the folder served by a server that does, such as nginx, Apache or Caddy",
    ),
    (
        "Content-Length",
        "it does not say how long its answer is (Content-Length)",
        "Have the folder served as plain files, without compression",
    ),
)


class NotTheObject(BaseError):
    """A server answers with success, and with something else than the object's bytes."""


def check_answer(answer: Any) -> None:
    """Raise NotTheObject where an answer is a page for people, or compressed though nobody asked for that."""
    headers = answer.attributes
    kind = str(headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    encoding = str(headers.get("Content-Encoding", "")).strip().lower()
    if kind in _PAGES:
        raise NotTheObject(
            f"a web page came ({kind}) instead of the file, such as one to log in at. Open the URL in a browser; what "
            "is missing has to be answered with 404"
        )
    if encoding not in ("", "identity"):
        raise NotTheObject(f"it came compressed ({encoding}), unasked. Switch compression off for this folder")


def describe(error: Exception, hub: bool) -> str:
    """Return what is wrong and what to do about it; nothing of what the server wrote is repeated.

    Parameters
    ----------
    hub : bool
        The server is Hugging Face's.
    """
    if isinstance(error, NotTheObject):
        return str(error)
    if isinstance(error, DeadlineExceeded):
        return f"{error}. {_NETWORK}"
    if isinstance(error, UnauthenticatedError):
        if hub:
            return "there is no such dataset, or it is private (401). Check its name, or set HF_TOKEN to a token for it"
        return "it asks who you are (401). Only what everybody may read can be a remote: let its owner allow that"
    if isinstance(error, PermissionDeniedError):
        owner = "Ask for access on its page, and set HF_TOKEN" if hub else "Let its owner allow reading"
        return f"it lets you not read this (403). {owner}; what is missing has to be answered with 404"
    text = str(error)
    for sign, problem, remedy in _KNOWN:
        if sign in text:
            return f"{problem}. {remedy}"
    if found := _CERTIFICATE.search(text):
        return f"its certificate is not trusted ({found[1]}). Name a file with its issuer's in SSL_CERT_FILE"
    if found := _STATUS.search(text):
        remedy = "Wait, or set HF_TOKEN" if hub and found[1].startswith("429") else "Check the URL, or wait"
        return f"it answers {found[1]}. {remedy}, then run again"
    return f"no answer that can be understood{cause_of(error)}. {_NETWORK}"
