"""Looks at recordings while calls of the system fail; test_passing_errors starts it with the library for that."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from pipeline.errors import BadRecording, StepError
from pipeline.sources.base import Recording, Source
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad
from pipeline.sources.mmact.source import Mmact
from pipeline.sources.utd_mhad import UtdMhad


def read(source: Source, row: Recording, stream: str) -> str:
    """Digest what a stream holds."""
    found = hashlib.sha256()
    if stream in ("rgb", "depth"):
        with source.open_video(row, stream) as video:
            for frame in video.frames():
                found.update(frame.tobytes())
    else:
        found.update(source.open_series(row, stream).values.tobytes())
    return found.hexdigest()


def probe(source: Source, row: Recording, stream: str) -> str:
    return str(source.probe(row, stream))


def outcome(look: object, source: Source, row: Recording, stream: str) -> str:
    try:
        return f"read {look(source, row, stream)}"  # type: ignore[operator]
    except StepError as error:
        return f"step {error}"
    except BadRecording as error:
        return f"broken {error}"


def main(root: Path, cases: list[tuple[str, int, int]]) -> None:
    found = {}
    sources = (UtdMhad(root / "utd"), BerkeleyMhad(root / "berkeley"), Mmact(root / "mmact"))
    for source in sources:
        (row,) = source.list().recordings
        for stream, (file, *_) in row.streams.items():
            for look in (probe, read):
                os.environ.pop("FAILING_IO_PATH", None)
                found[f"{file} {look.__name__}"] = outcome(look, source, row, stream)
                for number, (calls, code, after) in enumerate(cases):
                    count = root / f"count-{len(found)}"
                    values = {"CALLS": calls, "ERRNO": str(code), "AFTER": str(after), "TIMES": "1"}
                    os.environ |= {f"FAILING_IO_{name}": value for name, value in values.items()}
                    os.environ |= {"FAILING_IO_COUNT": str(count), "FAILING_IO_PATH": file}
                    found[f"{file} {look.__name__} {number}"] = outcome(look, source, row, stream)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
