"""obstore's clients: their timeouts and retries.

A request that gets no byte for `stall_s` (``PIPELINE_TIMEOUT_SECONDS``) is cancelled and sent again, until `GIVE_UP`
times that time is over: a service that is down or out of reach fails within about a minute. Requests that send much
get `PATIENCE` times as long, since a client cannot tell a slow line from a stalled one before the answer comes.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from obstore.store import ObjectStore, from_url

from store.backends.object_store.redirects import only_named_hosts
from store.environment import is_true, seconds_from_environment

GIVE_UP = 2.25
PATIENCE = 6.0
CONNECT_S = 5.0
REQUEST_S = 1800.0  # one request with its whole body; obstore's default of 30 s breaks large reads over slow lines
RETRIES = 15
# obstore waits a random share of each pause, so that with a base of 2 the pauses would hardly grow.
FIRST_PAUSE_S, MAX_PAUSE_S, BACKOFF_BASE = 0.2, 4.0, 3.0

_PREFIXES = {"s3": "AWS", "az": "AZURE", "gs": "GOOGLE"}
_FROM_ENVIRONMENT = (
    "allow_http",
    "allow_invalid_certificates",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "user_agent",
)
"""Options that the environment may set, as <PREFIX>_<NAME>: obstore ignores all of them once code sets options."""


def connect(url: str, scheme: str, *, patience: float = 1.0) -> ObjectStore:
    """Return a client for a bucket's URL; nothing is sent yet. Credentials come from the environment alone.

    Parameters
    ----------
    scheme : str
        Of the URL: s3, az or gs.
    patience : float
        How many times as long as usual a request may take.
    """
    options = timeouts(patience)
    for name in _FROM_ENVIRONMENT:
        if value := os.environ.get(f"{_PREFIXES[scheme]}_{name.upper()}"):
            options[name] = is_true(value) if name.startswith("allow") else value
    if "proxy_url" not in options:
        options |= only_named_hosts(scheme, os.environ)
    return from_url(url, client_options=options, retry_config=retries(patience))


def timeouts(patience: float = 1.0) -> Any:
    """Return obstore's client options for how long a request may take."""
    stall = stall_s() * patience
    return {
        "connect_timeout": timedelta(seconds=min(CONNECT_S, stall)),
        "read_timeout": timedelta(seconds=stall),
        "timeout": timedelta(seconds=REQUEST_S),
    }


def retries(patience: float = 1.0) -> Any:
    """Return obstore's configuration of when a request is sent again."""
    stall = stall_s() * patience
    return {
        "max_retries": RETRIES,
        "retry_timeout": timedelta(seconds=stall * GIVE_UP),
        "backoff": {
            "init_backoff": timedelta(seconds=min(FIRST_PAUSE_S, stall / 2)),
            "max_backoff": timedelta(seconds=min(MAX_PAUSE_S, stall / 2)),
            "base": BACKOFF_BASE,
        },
    }


def stall_s() -> float:
    """Return for how many seconds a request may receive no byte."""
    return seconds_from_environment("PIPELINE_TIMEOUT_SECONDS")
