"""Record a command in a terminal as an animated SVG: `python docs/site/terminal.py FILE.svg COMMAND...`.

The command runs in a pseudo terminal; what its screen shows is kept at a few moments, evenly spread over the time
that it takes, and at the end. Where nothing moves (printed, or as the reader wishes), it is the end.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

import pyte

COLUMNS, ROWS = 100, 32
FRAMES, SECONDS, LAST = 14, 0.9, 6.0  # how many, how long each is shown, how long the last
WIDTH, HEIGHT, MARGIN = 8.4, 18, 14  # of a character, of a line, around all, in pixels
COLOURS = {
    "default": "#d6dbe1", "black": "#20262d", "red": "#f47067", "green": "#7ccf7c", "brown": "#e0b860",
    "blue": "#6cb6ff", "magenta": "#dcbdfb", "cyan": "#76e3ea", "white": "#f0f3f6", "brightblack": "#8b949e",
}  # fmt: skip

NO_BREAK = "\u00a0"  # a space that is not joined to the next one
GROUND = '<rect width="100%" height="100%" rx="8" fill="#20262d"/>'
REDRAW = b"\r\x1b[2K"  # how a new drawing of the table begins: the one before is whole

Screen = list[str]  # each line as SVG


def record(command: Sequence[str]) -> list[tuple[float, bytes]]:
    """Run a command, and return what it writes, with seconds since it began."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    begin = time.monotonic()
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=os.environ | {"TERM": "xterm-256color"})
    os.close(its)
    written = []
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the end, on Linux
            break
        if not data:
            break
        written.append((time.monotonic() - begin, data))
    if code := process.wait():
        sys.exit(f"{' '.join(command)} ended with {code}")
    return written


def replay(command: Sequence[str], written: Sequence[tuple[float, bytes]]) -> Iterator[Screen]:
    """Yield the screen at FRAMES moments, the last of them at the end."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ {' '.join(command)}\r\n".encode())
    end = written[-1][0]
    moments = [end * number / (FRAMES - 1) for number in range(1, FRAMES - 1)]
    for seconds, data in written:
        if moments and seconds > moments[0] and data.startswith(REDRAW):
            moments = [moment for moment in moments if moment > seconds]
            yield lines_of(screen)
        stream.feed(data)
    yield lines_of(screen)


def lines_of(screen: pyte.Screen) -> Screen:
    return ["".join(spans(screen, row)) for row in range(ROWS)]


def spans(screen: pyte.Screen, row: int) -> Iterator[str]:
    """Yield a line's stretches of one colour and weight."""
    cells = [(column, screen.buffer[row][column]) for column in range(COLUMNS)]
    for (colour, bold), group in groupby(cells, key=lambda cell: (cell[1].fg, cell[1].bold)):
        stretch = list(group)
        text = "".join(cell.data for _, cell in stretch)
        left = len(text) - len(text.lstrip())
        if text.strip():
            fill = COLOURS.get(colour, f"#{colour}")
            weight = ' font-weight="bold"' if bold else ""
            x = MARGIN + (stretch[0][0] + left) * WIDTH
            shown = escape(text.strip()).replace(" ", NO_BREAK)
            yield f'<tspan x="{x:.1f}" fill="{fill}"{weight}>{shown}</tspan>'


def draw(frames: Sequence[Screen]) -> str:
    width, height = COLUMNS * WIDTH + 2 * MARGIN, ROWS * HEIGHT + 2 * MARGIN
    total = SECONDS * (len(frames) - 1) + LAST
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}"'
        f' width="{width:.0f}" height="{height}"'
        ' font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">',
        "<style>.f{visibility:hidden;animation:" + f"s {total:.1f}s step-end infinite" + "}",
        "@keyframes s{0%{visibility:visible}" + f"{100 * SECONDS / total:.2f}%" + "{visibility:hidden}}",
        "@keyframes e{0%{visibility:visible}" + f"{100 * LAST / total:.2f}%" + "{visibility:hidden}}",
        ".e{animation-name:e;visibility:visible}",  # which is what shows where nothing moves
        "@media (prefers-reduced-motion:reduce){.f{animation:none}}</style>",
        GROUND,
    ]
    for number, frame in enumerate(frames):
        last = " e" if number == len(frames) - 1 else ""
        parts.append(f'<g class="f{last}" style="animation-delay:{number * SECONDS - total:.1f}s">{GROUND}')
        rows = ((MARGIN + HEIGHT * (row + 0.75), line) for row, line in enumerate(frame) if line)
        parts += [f'<text y="{y:.1f}">{line}</text>' for y, line in rows]
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    file, *command = sys.argv[1:]
    Path(file).write_text(draw(list(replay(command, record(command)))), encoding="utf-8")
