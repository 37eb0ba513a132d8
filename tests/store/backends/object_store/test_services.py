"""A service that stalls, refuses or is not there: told in one line, soon, and without any secret."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from store import Store
from store.backends.object_store.service_errors import without_secrets
from store.backends.urls import open_backend
from store.errors import StoreError, UnsupportedUrl

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-0123456789",
    "AWS_SESSION_TOKEN": "aws-token-0123456789",
    "AZURE_STORAGE_ACCOUNT_KEY": "YXp1cmUtc2VjcmV0LTAxMjM0NTY3ODk=",
}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return SECRETS


class Flaky:
    """A server that accepts connections and answers none."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.connections: list[socket.socket] = []
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                self.connections.append(self._listening.accept()[0])

    def close(self) -> None:
        for each in (self._listening, *self.connections):
            each.close()


@pytest.fixture
def stalling(monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str]) -> Iterator[Flaky]:
    server = Flaky()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "0.5")
    yield server
    server.close()


def complain(url: str) -> str:
    with pytest.raises(StoreError) as error:
        Store.open(url)
    assert error.value.__cause__ is None  # what a traceback would print
    return str(error.value)


def test_a_stalled_connection_is_tried_again_and_given_up(stalling: Flaky) -> None:
    began = time.monotonic()
    said = complain("s3://bucket/team")
    assert time.monotonic() - began < 5
    assert len(stalling.connections) >= 2
    assert "cannot read s3://bucket/team/store.json" in said
    assert f"http://127.0.0.1:{stalling.port}" in said
    assert "Check the URL, the network" in said
    assert "\n" not in said
    assert not [secret for secret in SECRETS.values() if secret in said]


@pytest.mark.parametrize("action", ["put", "put_if_absent", "size", "list_paths", "lock"])
def test_every_kind_of_request_is_given_up(stalling: Flaky, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "0.1")
    backend = open_backend("s3://bucket/team")
    actions: dict[str, Any] = {
        "put": lambda: backend.put("a", b"1"),
        "put_if_absent": lambda: backend.put_if_absent("a", b"1"),
        "size": lambda: backend.size("a"),
        "list_paths": lambda: list(backend.list_paths("a")),
        "lock": lambda: backend.lock("a", "it").__enter__(),
    }
    with pytest.raises(StoreError, match=r"^cannot .*then run again$"):
        actions[action]()


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "0.5")
    assert f"127.0.0.1:{port}" in complain("s3://bucket/team")


@pytest.mark.parametrize("service", ["s3", "azure"])
def test_there_is_no_such_bucket(request: pytest.FixtureRequest, service: str) -> None:
    url = request.getfixturevalue(service).url("x").replace("/bucket/", "/buckets/")
    with pytest.raises(StoreError, match=r"cannot write .*/buckets/x/store.json: there is no such bucket .* Create it"):
        Store.open(url).draft("encode", "k", recipe={}, inputs=[])
    backend = open_backend(url)
    for pieces in ([b"1"], [bytes(9 << 20)]):
        with pytest.raises(StoreError, match="there is no such bucket"):
            backend.write_stream("a", len(pieces[0]), iter(pieces))


def test_wrong_keys_are_told_without_them(azure: Any, monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str]) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", secrets["AZURE_STORAGE_ACCOUNT_KEY"])
    said = complain(azure.url("x"))
    assert "403 Forbidden" in said
    assert "Check that the credentials in the environment are right and allow this" in said
    assert not [secret for secret in secrets.values() if secret in said]


def test_a_signature_in_the_environment_is_never_told(azure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = "c2lnbmF0dXJlLW9mLWEtdGVzdA%3D%3D"
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
    monkeypatch.setenv("AZURE_STORAGE_SAS_KEY", f"sv=2023-11-03&sp=r&sig={signature}")
    said = complain(azure.url("x"))
    assert "c2lnbmF0dXJl" not in said


def test_nothing_in_a_store_holds_a_secret(s3: Any, azure: Any) -> None:
    for service in (s3, azure):
        store = Store.open(service.url(os.urandom(8).hex()))
        with store.draft("encode", "k", recipe={"raw": "r"}, inputs=[]) as draft:
            draft.write("a", b"1")
            draft.journal("a", ["a"])
            during = b"".join(store._root.read(path) for path in store._root.list_paths("outputs"))
            draft.publish({})
        found = during + b"".join(store._root.read(path) for path in store._root.list_paths(""))
        secrets = [value for name, value in service.environment.items() if "KEY" in name]
        assert len(secrets) >= 1
        assert not [secret for secret in secrets if secret.encode() in found]


def test_the_service_checks_what_it_is_sent(s3: Any) -> None:
    """The server of these tests refuses a body that is not the signed one; all that we send is signed."""
    for signature in (hashlib.sha256(b"sent").hexdigest(), "UNSIGNED-PAYLOAD"):
        changed = Request(f"{s3.endpoint}/bucket/x", b"SENT", {"x-amz-content-sha256": signature}, method="PUT")
        with pytest.raises(HTTPError, match="400"):
            urlopen(changed, timeout=10)
    backend = open_backend(s3.url(os.urandom(8).hex()))
    large = os.urandom((8 << 20) + 1)
    backend.write_stream("large", len(large), iter([large]))
    assert backend.read("large") == large


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA:hidden@bucket/x",
        "az://container/x?sv=1&sig=hidden",
        "s3://bucket/x?X-Amz-Signature=hidden",
        "gs://bucket/x#hidden",
    ],
)
def test_urls_with_credentials_are_refused(url: str) -> None:
    with pytest.raises(UnsupportedUrl, match="set them in the environment") as error:
        Store.open(url)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("GET https://h/a?sp=r&sig=aB%2F&x=1 failed", "GET https://h/a?sp=r&sig=***&x=1 failed"),
        ("https://user:pass@host/x", "https://***@host/x"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("X-Amz-Signature=0f&X-Amz-Date=1", "X-Amz-Signature=***&X-Amz-Date=1"),
        ("key is aws-secret-0123456789.", "key is ***."),
        ("nothing to hide: design=1", "nothing to hide: design=1"),
    ],
)
def test_scrubbing(said: str, told: str, secrets: dict[str, str]) -> None:
    assert without_secrets(said) == told
