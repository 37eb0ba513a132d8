"""Whether a remote answers, is a store of this format, and takes what is pushed."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipeline.doctor.finding import Finding, note, of_error, ok, problem
from store import Store, redact_secrets
from store.errors import NotPermitted, StoreError

# scheme -> how names of variables begin that say who one is
_CREDENTIALS = {
    "s3": (
        "AWS_ACCESS_KEY",
        "AWS_SECRET",
        "AWS_SESSION",
        "AWS_PROFILE",
        "AWS_ROLE",
        "AWS_WEB_IDENTITY",
        "AWS_CONTAINER",
    ),
    "gs": ("GOOGLE_",),
    "az": ("AZURE_", "AZCOPY_"),
}


TOPIC = "remote"


def topic(url: str) -> str:
    """Return what a remote's findings are about: its URL, without what may be a secret."""
    return f"{TOPIC} {redact_secrets(url)}"


def find(url: str) -> Iterator[Finding]:
    """Open a remote and ask whether it could be written to; nothing is written."""
    about = topic(url)
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme in _CREDENTIALS:
        named = credentials(scheme)
        if named:
            yield ok(about, f"credentials of the environment: {', '.join(named)}")
        else:
            repair = "where it does not answer, set them as docs/sharing.md says"
            yield note(about, "no credentials in the environment: those of this machine's role are tried", repair)
    try:
        remote = Store.open(url)
    except StoreError as error:
        yield _plain(of_error(about, error), "check its name, the network and the credentials")
        return
    if remote.existed:
        yield ok(about, "it answers, and is a store of this format")
    else:
        or_push = "" if remote.read_only else "; `pipeline push` makes one there"
        yield note(about, "it answers; there is no store yet", f"check its name{or_push}")
    try:
        if remote.check_writable():
            yield ok(about, "it can be written to")
        else:
            yield note(about, "whether it can be written to, only a push will tell")
    except NotPermitted as error:
        repair = "pulling works; to push, ask who owns it for permission to write"
        yield note(about, f"it can be read only: {error}", repair)
    except StoreError as error:
        yield problem(about, str(error), "check the network and the credentials")


def credentials(scheme: str) -> list[str]:
    """Return the names of the variables that hold credentials for a scheme, never what they hold."""
    begin = _CREDENTIALS[scheme]
    return sorted(name for name, value in os.environ.items() if name.startswith(begin) and value)


def _plain(found: Finding, repair: str) -> Finding:
    return found._replace(repair=repair) if found.repair.startswith("see the message") else found
