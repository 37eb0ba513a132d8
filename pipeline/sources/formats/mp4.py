"""Whether an MP4 file has all its bytes: FFmpeg reads a truncated one whose index comes first without a word."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.broken_file import BrokenFileError


def check_whole(path: Path) -> None:
    """Walk over the file's boxes by the sizes they announce; BrokenFileError where the last one is cut off.

    A file that does not begin like MP4 is left for the decoder to refuse.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at < size:
            file.seek(at)
            head = file.read(16)
            if at == 0 and head[4:8] != b"ftyp":
                return
            length = int.from_bytes(head[:4], "big")
            if length == 1:  # the length is in the 64 bits that follow
                length = int.from_bytes(head[8:16], "big")
            if length == 0:  # up to the end of the file
                return
            if len(head) < 8 or length < 8:
                raise BrokenFileError(f"truncated or damaged: no box begins at byte {at}")
            at += length
    if at > size:
        raise BrokenFileError(f"truncated: has {size} bytes, its boxes announce {at}")
