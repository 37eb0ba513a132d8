"""Samples as datagrams over loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.edge.stream.feeds.udp import UdpFeed
from pipeline.errors import ConfigError

Lines = Callable[..., list[str]]


def send(feed: UdpFeed, datagrams: list[bytes]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for each in datagrams:
            sending.sendto(each, ("127.0.0.1", feed.port))


@pytest.mark.parametrize("at_once", [1, 10], ids=["one a datagram", "ten a datagram"])
def test_datagrams_are_lines(listening: Any, hear: Any, watch: Lines, at_once: int) -> None:
    feed = UdpFeed("127.0.0.1:0")
    lines = watch(0, 6)
    expected = hear(lines, exact=True).decisions
    with listening(feed) as heard:
        send(feed, ["\n".join(lines[i : i + at_once]).encode() for i in range(0, len(lines), at_once)])
        heard.wait(lambda: len(heard.decisions) == len(expected))
    assert heard.decisions == expected


def test_empty_ones_and_noise_do_no_harm(listening: Any, hear: Any, watch: Lines) -> None:
    feed = UdpFeed("127.0.0.1:0")
    lines = [each.encode() for each in watch(0, 3)]
    with listening(feed) as heard:
        send(feed, [*lines[:60], b"", b"\x00\xff" * 500, b"\n\n", *lines[60:]])
        heard.wait(lambda: len(heard.decisions) == 4)
    assert heard.decisions == hear(watch(0, 3), exact=True).decisions
    assert heard.tally.dropped.total() == 1


def test_silence_decides_what_has_ended(listening: Any, hear: Any, watch: Lines) -> None:
    """The last window is complete, but no sample says so: the clock does, after the patience."""
    feed = UdpFeed("127.0.0.1:0")
    lines = watch(0, 3)
    with listening(feed, real=True) as heard:
        send(feed, [each.encode() for each in lines])
        heard.wait(lambda: any(end == 3.0 for end, *_ in heard.decisions))
        heard.wait(lambda: any(reason == "gap" for *_, reason in heard.decisions))
    whole = hear([*lines, *watch(3, 3.1)], exact=True).decisions
    assert heard.decisions[: len(whole)] == whole


def test_silence_for_long_is_not_decided_for_ever(listening: Any, watch: Lines) -> None:
    feed = UdpFeed("127.0.0.1:0")
    with listening(feed, real=True) as heard:
        send(feed, [each.encode() for each in watch(0, 1.5)])
        heard.wait(lambda: any(reason == "gap" for *_, reason in heard.decisions))
        before = len(heard.decisions)
        time.sleep(1.2)  # of which two windows would end
        assert len(heard.decisions) == before
        send(feed, [each.encode() for each in watch(1000, 1002)])
        heard.wait(lambda: any(end == 1001.5 and label for end, label, *_ in heard.decisions))
    assert len(heard.decisions) < before + 10


def test_an_absurd_time_hurries_nothing(listening: Any, hear: Any, watch: Lines) -> None:
    """At real speed, where a time far ahead would say that all windows ended long ago."""
    feed = UdpFeed("127.0.0.1:0")
    lines = watch(0, 2.2)
    with listening(feed, real=True, patience=5.0) as heard:
        for i, each in enumerate(lines):
            send(feed, [each.encode()] + ([b"watch,1e9,0,0"] if i == 30 else []))
            time.sleep(0.02)
        heard.wait(lambda: len(heard.decisions) == 3)
    assert heard.decisions == hear(lines, exact=True).decisions
    assert heard.tally.dropped == {"times far from those before and after": 1}


def test_a_clock_that_is_set_back_at_real_speed(listening: Any, watch: Lines) -> None:
    feed = UdpFeed("127.0.0.1:0")
    with listening(feed, real=True, patience=30.0) as heard:
        send(feed, [each.encode() for each in watch(5000, 5002)])
        heard.wait(lambda: len(heard.decisions) == 2)
        send(feed, [each.encode() for each in watch(0, 4)])
        heard.wait(lambda: any(end == 3.5 for end, *_ in heard.decisions))
    back = [(end, reason) for end, _, _, reason in heard.decisions if end < 5000]
    assert {reason for _, reason in back} == {""}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("9000", "give HOST:PORT"),
        ("127.0.0.1:", "give HOST:PORT"),
        ("127.0.0.1:99999", "give HOST:PORT"),
        ("0.0.0.0:0", "others could send to it"),
        ("192.0.2.1:0", "others could send to it"),
        ("example.com:0", "others could send to it"),
    ],
)
def test_addresses_that_may_not_be(address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        UdpFeed(address)


def test_anywhere_if_it_is_said() -> None:
    UdpFeed("0.0.0.0:0", anywhere=True).close()


def test_a_port_that_is_taken() -> None:
    feed = UdpFeed("127.0.0.1:0")
    with pytest.raises(ConfigError, match=r"--udp .*in use\n  choose another"):
        UdpFeed(f"127.0.0.1:{feed.port}")
    feed.close()
