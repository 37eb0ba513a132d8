"""Places in a copy of the program where its processes wait for a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Gate:
    """A place in a copy of the program where processes wait until a test has done something."""

    folder: Path

    def put(self, file: Path, line: str) -> None:
        """Have whoever comes to a line, which is there once, wait before it."""
        source = file.read_text()
        assert source.count(line) == 1, f"{file} has {source.count(line)} times: {line}"
        space = line[: len(line) - len(line.lstrip())]
        reach, go = str(self.folder / "reached"), str(self.folder / "go")
        wait = (
            f"{space}open({reach!r}, 'w').close()\n"
            f"{space}while not __import__('os').path.exists({go!r}):\n"
            f"{space}    __import__('time').sleep(0.01)\n"
        )
        file.write_text(source.replace(line, wait + line))

    def reached(self) -> bool:
        """Tell whether somebody waits, or has waited."""
        return (self.folder / "reached").exists()

    def open(self) -> None:
        """Let all go on."""
        (self.folder / "go").touch()
