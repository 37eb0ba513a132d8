"""Which address an https:// or hf:// URL stands for, and which URLs are refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from huggingface_hub import hf_hub_url
from hypothesis import given
from hypothesis import strategies as st

from store.backends.urls import open_backend
from store.backends.web.addresses import address_of
from store.errors import UnsupportedUrl
from store.redaction import redact_secrets

NAMES = st.from_regex(r"[A-Za-z0-9](?:[._-]?[A-Za-z0-9]){0,5}", fullmatch=True)
FOLDERS = st.lists(st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,9}", fullmatch=True), max_size=3).map("/".join)
REVISIONS = st.one_of(st.none(), NAMES, st.from_regex(r"refs/pr/[0-9]{1,3}", fullmatch=True), st.just("a/branch"))


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "HF_TOKEN", "PIPELINE_ALLOW_HTTP"):
        monkeypatch.delenv(name, raising=False)


@given(NAMES, NAMES, FOLDERS, REVISIONS)
def test_a_dataset_lies_where_its_own_library_looks(owner: str, name: str, folder: str, revision: str | None) -> None:
    shown = revision if revision is None or revision.startswith("refs/") else quote(revision, safe="")
    url = f"hf://datasets/{owner}/{name}" + (f"@{shown}" if shown else "") + (f"/{folder}" if folder else "")
    file = f"{folder}/store.json" if folder else "store.json"
    expected = hf_hub_url(
        f"{owner}/{name}", file, repo_type="dataset", revision=revision, endpoint="https://huggingface.co"
    )
    assert f"{address_of(url).base}/store.json" == expected
    assert redact_secrets(f"cannot read {url}/store.json") == f"cannot read {url}/store.json"


def test_another_hub_and_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example/")
    monkeypatch.setenv("HF_TOKEN", "hf_0123456789")
    address = address_of("hf://datasets/a/b@v1/c")
    assert address.base == "https://hub.example/datasets/a/b/resolve/v1/c"
    assert address.token == "hf_0123456789"
    assert address_of("https://hub.example/datasets").token == ""
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(UnsupportedUrl, match="HF_ENDPOINT is not encrypted"):
        address_of("hf://datasets/a/b")


def test_unencrypted_only_on_this_machine_or_where_that_was_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("127.0.0.1:8000", "localhost", "[::1]:8000"):
        assert address_of(f"http://{host}/a/").base == f"http://{host}/a"
    for host in ("example.org", "127.0.0.1.example.org", "192.168.0.2"):
        with pytest.raises(UnsupportedUrl, match="PIPELINE_ALLOW_HTTP=true"):
            address_of(f"http://{host}/a")
    monkeypatch.setenv("PIPELINE_ALLOW_HTTP", "true")
    assert address_of("http://192.168.0.2/a").base == "http://192.168.0.2/a"


@pytest.mark.parametrize(
    "url",
    [
        "hf://datasets/a",
        "hf://a/b",
        "hf://datasets/a/b@",
        "hf://datasets/a/b/../c",
        "hf://datasets/a/b?token=hf_secret",
        "hf://me:hf_secret@datasets/a/b",
        "https://me:hf_secret@host/a",
        "https://host/a?token=hf_secret",
        "https://",
        "https://host:port/a",
    ],
)
def test_a_url_that_cannot_be_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(UnsupportedUrl) as error:
        open_backend(url)
    said = redact_secrets(str(error.value))
    assert "\n" not in said
    assert "hf_secret" not in said
