"""What a stages file may say about data sets that are joined; imports nothing that is slow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=60)]


class Scaled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part's modality in another unit: its values times `scale`."""

    modality: str
    scale: Annotated[float, Meta(gt=0, le=1e9)] = 1.0


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``source:`` takes beside its name.

    Attributes
    ----------
    root
        The folder that all parts lie in.
    parts
        By a name of your choice, a data set: what ``source:`` would say of it, with ``folder``, relative to the root,
        in the place of ``root``. A recording's column ``dataset`` has this name.
    classes
        The classes that are shared: by name, each part's own classes that it stands for. Recordings of others are left
        out.
    modalities
        By name, each part's own modality; every part has it.
    """

    root: str
    parts: dict[Name, dict[str, Any]]
    classes: Mapping[str, dict[Name, str | tuple[str, ...]]]
    modalities: dict[Name, dict[Name, str | Scaled]]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError("parts: there is one data set at most; name two, or use it as it is")
        folders = [str(part.get("folder", name)).strip("/") for name, part in self.parts.items()]
        if twice := next((folder for folder in folders if folders.count(folder) > 1), None):
            raise ValueError(f"parts: two have the folder {twice}; name each data set once")
        said = {f"classes.{name}": [*of_parts] for name, of_parts in self.classes.items()}
        said |= {f"modalities.{name}": [*of_parts] for name, of_parts in self.modalities.items()}
        for key, names in said.items():
            if unknown := next((name for name in names if name not in self.parts), None):
                raise ValueError(f"{key}: there is no part {unknown}; there are {', '.join(self.parts)}")
        for name, of_parts in self.modalities.items():
            if lacking := [part for part in self.parts if part not in of_parts]:
                raise ValueError(f"modalities.{name}: not said of {lacking[0]}; say which of its modalities it is")
