"""Which format a file is of, by its name."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Format

_FORMATS: dict[Format, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".txt", ".dat", ".data", ".asc", ".log", ".tab"),
    "parquet": (".parquet", ".pq"),
    "excel": (".xlsx", ".xlsm"),
    "npy": (".npy",),
    "npz": (".npz",),
    "mat": (".mat",),
    "hdf5": (".h5", ".hdf5", ".hdf"),
    "json": (".json", ".jsonl", ".ndjson"),
    "ntu": (".skeleton",),
    "video": (".avi", ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".ogv", ".3gp"),
    "images": (".png", ".jpg", ".jpeg", ".pgm"),
}
FORMAT_BY_END = {end: format for format, ends in _FORMATS.items() for end in ends}
_PICKLES = {".pkl", ".pickle", ".p", ".joblib", ".pt", ".pth"}


def format_of(path: Path, said: Format = "auto") -> Format:
    """Return a file's format: what is said, else by its name's end, ``.gz`` aside. A folder is of images.

    Raises
    ------
    BrokenFileError
        No end that is known, or that of pickled objects, which are never loaded.
    """
    if said != "auto":
        return said
    ends = [end.lower() for end in path.suffixes]
    end = ends[-2] if ends[-1:] == [".gz"] and len(ends) > 1 else ends[-1] if ends else ""
    if end in FORMAT_BY_END:
        return FORMAT_BY_END[end]
    if end in _PICKLES:
        raise BrokenFileError(
            "holds pickled Python objects, which are never loaded since they can run any code: load it where it is "
            "trusted, and save the arrays with numpy.savez"
        )
    if end == ".xls":
        raise BrokenFileError("is an old Excel workbook: save it as .xlsx or .csv")
    if not end and path.is_dir():
        return "images"
    raise BrokenFileError(
        f"its name's end, `{end or 'none'}`, does not say what it is: say format: csv, or which it is"
    )
