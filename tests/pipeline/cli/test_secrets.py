"""Credentials that somebody wrote into a URL are refused and printed nowhere, whatever characters they are of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.errors import UnsupportedUrl
from store.redaction import redact_secrets

URLS = [
    "s3://AKIA12345678:HIDDEN/def@bucket/prefix",
    "s3://AKIA12345678:HIDDEN#x@bucket",
    "s3://AKIA12345678:HIDDEN?x@bucket",
    "http://AKIA12345678:HIDDEN/x@bucket",
    "file://AKIA12345678:HIDDEN/x@bucket",
    "az://container/x?sig=abc@HIDDEN",
    "s3://AKIA12345678@bucket?sig=HIDDEN",
    " s3://AKIA12345678:HIDDEN@bucket",
    "S3://AKIA12345678:HID DEN@bucket",
]


def refuses(said: Any, *parts: str) -> None:
    said.refuses(2, *parts)
    for secret in ("AKIA", "HID", "DEN"):
        assert secret not in said.out + said.err


@pytest.mark.parametrize("url", URLS)
def test_a_store(url: str) -> None:
    with pytest.raises(UnsupportedUrl) as error:
        Store.open(url)
    assert not any(secret in str(error.value) for secret in ("AKIA", "HID", "DEN"))


@pytest.mark.parametrize("key", ["store", "remote", "source.root", "protocol", "stages.student.model", "stages"])
@pytest.mark.parametrize("url", URLS[:4])
def test_a_setting(file: str, key: str, url: str, said_here: Callable[..., Any]) -> None:
    more = ["--set", "source={name: utd-mhad, root: x}"] if key == "source.root" else []
    refuses(said_here("status", "-f", file, *more, "--set", f'{key}="{url}"'), "error: ")


@pytest.mark.parametrize("setting", ["store=[{}", "store=*{}", "{}", "store.={}", "stages={{'{}': 1}}", "x=!!int '{}'"])
def test_a_mistaken_setting(file: str, setting: str, said_here: Callable[..., Any]) -> None:
    refuses(said_here("status", "-f", file, "--set", setting.format(URLS[0])), "error: ")


def test_the_stages_file(file: str, said_here: Callable[..., Any]) -> None:
    Path(file).write_text(Path(file).read_text() + f"store: [{URLS[0]}\n")
    refuses(said_here("status", "-f", file), "error: ")


@pytest.mark.parametrize("arguments", [["push", "--remote"], ["push"], ["explain"], ["status"], ["store", "ls"]])
def test_arguments(file: str, arguments: list[str], said_here: Callable[..., Any]) -> None:
    refuses(said_here(*arguments, URLS[0], "-f", file))


@pytest.mark.parametrize("named", ["s3://AKIA12345678:HID,DEN@b", "data, s3://AKIA12345678:HID, /DEN@b", URLS[0]])
def test_remotes_of_the_environment(
    file: str, named: str, monkeypatch: pytest.MonkeyPatch, said_here: Callable[..., Any]
) -> None:
    monkeypatch.setenv("PIPELINE_REMOTE", named)
    refuses(said_here("status", "-f", file), "PIPELINE_REMOTE", "take them out")


def test_a_folder_may_have_such_a_name(tmp_path: Path) -> None:
    for url in (f"{tmp_path}/me@here/store", f"file://{tmp_path}/me@here/store"):
        assert Store.open(url).url == f"{tmp_path}/me@here/store"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s3://k:s/e#c@bucket/x", "s3://***"),
        ("s3://k:s/e,c@bucket/x y", "s3://***@bucket/x y"),
        ("at s3:/k:s@b, http://u:p@h?sig=1", "at s3:/***@b, http://***@h?***"),
        ("s3://bucket/x by me@here", "s3://bucket/x by me@here"),
    ],
)
def test_what_is_told(text: str, told: str) -> None:
    assert redact_secrets(text) == told
