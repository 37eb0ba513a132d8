"""Credentials stay with the hosts that were named, wherever a service sends the client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from store.backends.object_store.redirects import only_named_hosts
from store.backends.urls import open_backend
from store.errors import StoreError

from .lying_server import LyingServer, reply

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-0123456789",
    "AWS_SESSION_TOKEN": "aws-token-0123456789",
    "AZURE_STORAGE_ACCOUNT_NAME": "harvest",
    "AZURE_STORAGE_TOKEN": "azure-token-0123456789",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
    "AZURE_ALLOW_HTTP": "true",
    "PIPELINE_TIMEOUT_SECONDS": "0.3",
}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingServer]:
    """A host that nobody named."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with LyingServer(lambda request: reply(request, b"stolen"), host="127.0.0.2") as server:
        yield server


@pytest.fixture(params=[301, 302, 307, 308])
def named(request: pytest.FixtureRequest, elsewhere: LyingServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The service that was named, which sends all requests to the other host."""
    status: int = request.param
    with LyingServer(lambda asked: reply(asked, status=status, Location=elsewhere.endpoint + asked.path)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", server.endpoint)
        yield server


@pytest.mark.parametrize("url", ["s3://bucket/x", "az://container/x"])
@pytest.mark.parametrize("action", ["read", "put"])
def test_no_credential_follows_a_redirect(named: LyingServer, elsewhere: LyingServer, url: str, action: str) -> None:
    root = open_backend(url)
    with pytest.raises(StoreError) as error:
        root.read("a", 0, 9) if action == "read" else root.put_if_absent("a", b"1")
    assert named.asked
    assert elsewhere.asked == []
    assert not [name for name, value in SECRETS.items() if "0123456789" in value and value in str(error)]
    if action == "read":
        assert "it redirects to a host that nobody named" in str(error.value)
        assert "\n" not in str(error.value)


def test_a_reader_without_credentials_may_follow(
    named: LyingServer, elsewhere: LyingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    assert b"".join(map(bytes, open_backend("s3://bucket/x").stream("a"))) == b"stolen"
    (asked,) = elsewhere.asked
    assert {"authorization", "x-amz-security-token"}.isdisjoint(asked[2])


def test_which_hosts_are_named() -> None:
    def hosts(scheme: str, **environment: str) -> list[str]:
        return only_named_hosts(scheme, environment)["proxy_excludes"].split(",")

    assert "amazonaws.com" in hosts("s3")
    mine = hosts("s3", AWS_ENDPOINT_URL="https://minio.example:9000", AWS_REGION="eu-west-1")
    assert mine[0] == "minio.example"
    assert "amazonaws.com" not in mine  # machines of others have such names
    assert "sts.eu-west-1.amazonaws.com" in mine
    assert "core.windows.net" in hosts("az")
    assert "storage.googleapis.com" in hosts("gs")
