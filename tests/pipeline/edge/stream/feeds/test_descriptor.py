"""Samples from files, pipes and devices."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.edge.stream.feeds.descriptor import DescriptorFeed
from pipeline.errors import ConfigError

Lines = Callable[..., list[str]]


def test_a_file_is_read_to_its_end(listening: Any, hear: Any, watch: Lines, tmp_path: Path) -> None:
    (tmp_path / "day.jsonl").write_text("\n".join(watch(0, 60)))  # the last line has no end
    feed = DescriptorFeed.open(tmp_path / "day.jsonl")
    assert not feed.live
    with listening(feed) as heard:
        heard.wait(lambda: feed.ended)
    assert heard.decisions == hear(watch(0, 60), exact=True).decisions
    assert heard.tally.samples == 3000


def test_a_pipe_in_pieces(listening: Any, hear: Any, watch: Lines) -> None:
    read, write = os.pipe()
    feed = DescriptorFeed(read, own=True)
    text = "\r\n".join(watch(0, 3)).encode()
    with listening(feed) as heard:
        for i in range(0, len(text), 97):
            os.write(write, text[i : i + 97])
        os.close(write)
        heard.wait(lambda: feed.ended)
    assert heard.decisions == hear(watch(0, 3), exact=True).decisions


def test_a_serial_device_that_is_pulled_out(listening: Any, hear: Any, watch: Lines) -> None:
    device, port = pty.openpty()
    tty.setraw(port)
    feed = DescriptorFeed.open(Path(os.ttyname(port)))
    os.close(port)
    assert feed.live
    with listening(feed) as heard:
        for each in watch(0, 3):
            os.write(device, each.encode() + b"\r\n")
        heard.wait(lambda: len(heard.decisions) == 4)
        os.close(device)
        heard.wait(lambda: feed.ended)
    assert heard.decisions == hear(watch(0, 3), exact=True).decisions


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"--from .*\n  name a file, a pipe or a device"):
        DescriptorFeed.open(tmp_path / name)
