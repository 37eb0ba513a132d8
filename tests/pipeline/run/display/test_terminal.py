"""The live table in a real terminal (tmux): at any width, narrowed, in no colour, stopped; and what it costs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

DRIVEN = Path(__file__).with_name("driven.py")
REPOSITORY = Path(__file__).resolve().parents[4]
LONG = "teacher[modalities=rgb+depth+skeleton+inertial,subjects=odd,seed=0]"
_NUMBERS = count()
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


class Terminal:
    """A window of tmux in which a program runs."""

    def __init__(self, socket: str, width: int) -> None:
        self._tmux = ["tmux", "-L", socket, "-f", "/dev/null"]
        self.width = width

    def run(self, *arguments: str, **environment: str) -> None:
        names = {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", **environment}
        program = shlex.join(["env", *(f"{k}={v}" for k, v in names.items()), sys.executable, str(DRIVEN), *arguments])
        size = ["-x", str(self.width), "-y", "30"]
        self.ask("new-session", "-d", *size, f"echo begins; {program}; echo ended; sleep 60")

    def ask(self, *command: str) -> str:
        return subprocess.run([*self._tmux, *command], check=True, capture_output=True, text=True).stdout

    def screen(self, *options: str) -> list[str]:
        return self.ask("capture-pane", "-p", *options).rstrip("\n").split("\n")

    def wait(self, text: str) -> list[str]:
        """Wait until a text is on the screen."""
        end = time.monotonic() + 60
        while text not in "\n".join(screen := self.screen()):
            assert time.monotonic() < end, screen
            time.sleep(0.1)
        return screen


@pytest.fixture
def terminal() -> Iterator[Callable[[int], Terminal]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux, in which the table is looked at, is not installed")
    opened: list[Terminal] = []

    def open_(width: int) -> Terminal:
        opened.append(Terminal(f"display-{os.getpid()}-{next(_NUMBERS)}", width))
        return opened[-1]

    yield open_
    for window in opened:
        window.ask("kill-server")


@pytest.mark.parametrize("width", [80, 200])
def test_a_table_below_what_has_ended(terminal: Callable[[int], Terminal], width: int) -> None:
    window = terminal(width)
    window.run("4", "50", "encode[rgb]", LONG, "bad\x1b[31m\x07name")
    screen = window.wait("images/s")
    ended = [line for line in screen if "/305 " in line]
    assert [line.split(" ", 1)[1].strip() for line in ended] == ["1/305 index: done in 0.5 s", "2/305 broken: FAILED"]
    table = screen[screen.index(ended[-1]) + 1 :]
    assert table[0].split()[:2] == ["step", "done"]
    assert table[1].startswith("encode[rgb] ")
    assert "/10,000 recordings" in table[1]
    assert "2 of 305 steps, 300 to come" in table[4]
    assert len(table) == 5
    assert (LONG in table[2]) == (width == 200)
    assert table[2].startswith("teacher[")
    assert table[3].startswith("bad\\x1b" if width == 200 else "bad")
    assert "\x1b" not in table[3]
    after = window.wait("ended")
    assert len([line for line in after if line.strip()]) == 5  # begins, two steps, CPU, ended: no table is left
    assert window.ask("display-message", "-p", "#{cursor_flag}").strip() == "1"


def test_colours_but_not_where_they_are_not_wanted(terminal: Callable[[int], Terminal]) -> None:
    window = terminal(80)
    window.run("1", "50", "encode[rgb]")
    window.wait("ended")
    assert [found for found in window.screen("-e") if COLOUR.search(found)]
    window = terminal(80)
    window.run("1", "50", "encode[rgb]", NO_COLOR="1")
    window.wait("images/s")  # still live
    assert not [found for found in window.screen("-e") if COLOUR.search(found)]


def test_ctrl_c_leaves_a_clean_terminal(terminal: Callable[[int], Terminal]) -> None:
    window = terminal(80)
    window.run("30", "50", "encode[rgb]", LONG)
    window.wait("images/s")
    window.ask("send-keys", "C-c")
    screen = window.wait("ended")
    assert screen[-2:] == ["stopped", "ended"]
    assert "images/s" not in "\n".join(screen)
    assert window.ask("display-message", "-p", "#{cursor_flag}").strip() == "1"


def test_a_window_that_becomes_narrower_and_wider(terminal: Callable[[int], Terminal]) -> None:
    window = terminal(160)
    window.run("8", "50", "encode[rgb]", "encode[depth]", LONG)
    window.wait("images/s")
    for width in (60, 120, 50):
        window.ask("resize-window", "-x", str(width), "-y", "30")
        time.sleep(1.2)
        screen = [line for line in window.screen() if line.strip()]
        assert sum(line.startswith("step ") for line in screen) == 1, screen
        everything = window.screen("-S", "-")  # with what the terminal scrolled away
        assert sum("/305" in line for line in everything) == 2, everything
    window.wait("ended")


def test_a_terminal_that_cannot_draw_gets_lines(terminal: Callable[[int], Terminal]) -> None:
    window = terminal(80)
    window.run("1", "50", "encode[rgb]", TERM="dumb")
    screen = window.wait("ended")
    assert "images/s" not in "\n".join(screen)
    assert "  2/303 broken: FAILED" in screen


def test_it_takes_two_parts_in_a_hundred_of_a_core_at_most(terminal: Callable[[int], Terminal]) -> None:
    """Of eight steps that say 200 times a second how far they are."""
    window = terminal(200)
    window.run("6", "200", *(f"teacher[subject={i},seed=0]" for i in range(8)))
    screen = window.wait("ended")
    (used,) = (float(line.removeprefix("CPU: ")) for line in screen if line.startswith("CPU: "))
    assert used <= 0.02, used  # with the driver's own loop
