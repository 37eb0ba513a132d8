"""A recipe of `pipeline/init/recipes/` on files that a test wrote in its data set's documented format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.cli import main
from pipeline.sources.base import Listing, Recording
from pipeline.sources.validate_listing import validated_listing
from pipeline.stagesfile.experiment import read_points
from pipeline.stagesfile.load import read_text
from pipeline.stagesfile.settings import parse_setting

RECIPES = Path(__file__).parents[2] / "pipeline" / "init" / "recipes"


@dataclass(frozen=True)
class Recipe:
    """A recipe whose data lies at a root.

    Attributes
    ----------
    listing
        What its source lists there.
    """

    file: Path
    root: Path
    source: Any
    listing: Listing

    @property
    def by_id(self) -> dict[str, Recording]:
        return {each.id: each for each in self.listing.recordings}

    def series(self, id: str, modality: str) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The channels of a modality of one stream, and their times."""
        described = self.source.modalities[modality]
        series = self.source.open_series(self.by_id[id], described.streams[0])
        return series.values[:, list(described.channels) or slice(None)], series.times


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep this machine's caches out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIPELINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Recipe]:
    """A function that applies a recipe to the files in `tmp_path`; ``pipeline status`` plans it without an error."""

    def apply(name: str, *settings: str) -> Recipe:
        file = RECIPES / f"{name}.yaml"
        own = [f"source.root={tmp_path}", *settings]
        source = read_points(file, read_text(file), [parse_setting(text) for text in own])[0].source
        arguments = [each for text in own for each in ("--set", text)]
        with pytest.raises(SystemExit) as ended:
            main(["status", "-f", str(file), "--set", f"store={tmp_path / '.store'}", *arguments])
        said = capsys.readouterr()
        assert ended.value.code == 0, said.err
        assert "in all" in said.out
        return Recipe(file, tmp_path, source, validated_listing(source))

    return apply


def table(path: Path, rows: Sequence[Sequence[object]], delimiter: str, end: str = "\n", head: str = "") -> None:
    """Write rows as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + "".join(delimiter.join(map(str, row)) + end for row in rows))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """A function that writes a text table below `tmp_path`."""

    def write(name: str, rows: Sequence[Sequence[object]], delimiter: str, end: str = "\n", head: str = "") -> None:
        table(tmp_path / name, rows, delimiter, end, head)

    return write
