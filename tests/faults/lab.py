"""A lab: the recordings, what an undisturbed run leaves of them, and what must hold after every fault."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.io import savemat

from .homes import REPOSITORY, RUN, Home
from .places import Name, Objects, Place, content, damage, manifests, unlisted

EXPERIMENT: dict[str, Any] = {
    "modalities": ["inertial"],
    "protocol": "subject-50-50",
    "stages": {
        "encode": {"inertial": {"patches": 4}},
        "teacher": {
            "stage": "train",
            "needs": ["encode"],
            "model": {"name": "cnn1d", "width": 8},
            "fit": {"epochs": 2},
        },
        "evaluate": {"needs": ["teacher"]},
    },
}


@dataclass
class Lab:
    """Where homes are made, and what an undisturbed run leaves.

    Attributes
    ----------
    whole
        The objects of a store in which everything was done.
    results
        What ``pipeline results --json`` prints there.
    """

    folder: Path
    whole: Objects = field(default_factory=dict)
    results: str = ""
    _count: Any = field(default_factory=count)

    @classmethod
    def make(cls, folder: Path) -> Lab:
        """Make the recordings and do the experiment once."""
        lab = cls(folder)
        series = np.random.default_rng(0)
        (folder / "raw" / "Inertial").mkdir(parents=True)
        for trial in range(132):  # three shards
            name = f"a{1 + trial % 3}_s{1 + trial // 3 % 4}_t{1 + trial // 12}_inertial.mat"
            savemat(folder / "raw" / "Inertial" / name, {"d_iner": series.normal(size=(series.integers(60, 90), 6))})
        home = lab.home()
        home.command(*RUN)
        lab.results = home.command("results", "--json").out
        lab.whole = home.store.objects()
        shutil.copy(home.folder / "stages.lock", folder / "stages.lock")
        assert len(manifests(lab.whole)) == 4
        return lab

    def home(
        self,
        *,
        store: str = ".store",
        remotes: Collection[str] = (),
        holds: Mapping[str, bytes] | None = None,
        raw: bool = True,
        root: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        user: tuple[int, int] | None = None,
        folder: Path | None = None,
    ) -> Home:
        """Make a home whose store holds these objects; one without raw data has the lock alone.

        `root` is where its own copy of the recordings lies, `settings` are more keys of its stages file, `user` says
        whose it is, by the numbers of user and group.
        """
        folder = folder or self.folder / f"home-{next(self._count)}"
        folder.mkdir(exist_ok=True)
        root = root or self.folder / ("raw" if raw else "nowhere")
        source = {"name": "utd-mhad", "root": str(root)}
        home = Home(
            folder,
            {"store": store, "remote": list(remotes), "source": source, **EXPERIMENT, **(settings or {})},
            {
                "PYTHONPATH": str(REPOSITORY),
                "PIPELINE_CACHE": str(self.folder / ("cache" if raw else "their-cache")),
                "OMP_NUM_THREADS": "1",
                "PIPELINE_LEASE_SECONDS": "2",
            },
            user,
        )
        (folder / "stages.yaml").write_text(yaml.safe_dump(home.values, sort_keys=False))
        if not raw:
            shutil.copy(self.folder / "stages.lock", folder)
        if holds:
            home.store.write(holds)
        return home

    def only(self, *stages: str) -> Objects:
        """Return the objects of a store in which these stages alone are done."""
        return {
            path: data
            for path, data in self.whole.items()
            if not path.startswith(("outputs/", "families/")) or path.split("/")[1] in stages
        }

    def check(self, place: Place, before: Mapping[Name, bytes], *, gone: bool = False) -> Objects:
        """See that nothing published was lost, changed or is wrong; `gone`: unused outputs may have been freed."""
        objects = place.objects()
        now, wanted = manifests(objects), manifests(self.whole)
        kept = {name: data for name, data in before.items() if not gone or name in wanted}
        lost = [name for name, data in kept.items() if now.get(name) != data]
        assert not lost, f"{place.url}: lost or changed: {lost}"
        wrong = damage(objects)
        assert not wrong, f"{place.url}: published and wrong: {wrong}"
        assert not self.other(objects), f"{place.url}: other values than an undisturbed run's: {self.other(objects)}"
        return objects

    def other(self, objects: Objects) -> list[Name]:
        """Name outputs that differ from those of an undisturbed run; all in `objects` are whole."""
        there, wanted = manifests(objects), manifests(self.whole)
        names = there.keys() & wanted.keys()
        return sorted(n for n in names if content(there[n]) != content(wanted[n]))

    def check_end(self, home: Home, *, clean: bool = True) -> None:
        """See that the figures are those of an undisturbed run, and that cleaning leaves nothing but outputs."""
        results = home.command("results", "--json").out
        assert results == self.results, f"{home.folder}: other figures:\n{results}"
        if clean:
            self.clean(home)

    def clean(self, home: Home, place: Place | None = None) -> None:
        """Clean a store without any grace, and see that what is left is whole and used."""
        place = place or home.store
        before = manifests(place.objects())
        said = home.command("gc", "--yes", "--grace", "0", "--store", place.url)
        objects = self.check(place, before, gone=True)
        assert not unlisted(objects), f"{place.url}: left after cleaning: {unlisted(objects)}\n{said}"
        home.command("verify", "--all", "--deep", "--store", place.url)
