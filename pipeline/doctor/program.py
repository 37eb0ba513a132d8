"""The interpreter, and the packages that this program needs or can use."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

import pipeline
from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.formatting import counted
from pipeline.version import DISTRIBUTION, PACKAGES, full_version

TOPIC = "program"

# module -> the package that has it, and what it is for
OPTIONAL: Mapping[str, tuple[str, str]] = {
    "openpyxl": ("openpyxl", "recordings in Excel workbooks"),
    "h5py": ("h5py", "recordings in HDF5 files"),
}


class Wanted(NamedTuple):
    """What the program declares that it needs, and where it says so."""

    origin: str
    python: str
    packages: tuple[str, ...]


def find() -> Iterator[Finding]:
    """Compare what is installed with what is declared."""
    yield ok(TOPIC, f"{DISTRIBUTION} {full_version()}, in {Path(pipeline.__file__).parents[1]}")
    yield from others(metadata.packages_distributions())
    wanted = declared()
    if wanted is None:
        yield note(
            TOPIC,
            f"Python {platform.python_version()}; {DISTRIBUTION} is not installed, so what it needs is unknown",
            "install it: python -m pip install -e . in its folder",
        )
    else:
        yield from compare(wanted)
    for module, (package, purpose) in OPTIONAL.items():
        if util.find_spec(module) is None:
            repair = f"where that is wanted: python -m pip install {package}"
            yield Finding("ok", TOPIC, f"{package} is not installed, which is for {purpose}", repair)
        else:
            yield ok(TOPIC, f"{package} {_version(package) or 'of unknown version'}: {purpose}")


def declared() -> Wanted | None:
    """Read this program's own declaration: beside its packages in a checkout, else where it was installed."""
    file = Path(pipeline.__file__).parents[1] / "pyproject.toml"
    if file.is_file():
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == DISTRIBUTION:
            return Wanted(str(file), project.get("requires-python", ""), tuple(project.get("dependencies", ())))
    try:
        found = metadata.metadata(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    needed = [each for each in metadata.requires(DISTRIBUTION) or () if "extra ==" not in each]
    return Wanted(DISTRIBUTION, next(iter(found.get_all("Requires-Python") or ()), ""), tuple(needed))


def others(installed: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Look for distributions that install packages of our names, and so write over our files or lie before them."""
    for name in sorted({each for package in PACKAGES for each in installed.get(package, ())} - {DISTRIBUTION}):
        taken = ", ".join(package for package in PACKAGES if name in installed.get(package, ()))
        repair = f"python -m pip uninstall {name}, then install {DISTRIBUTION} again, in an environment of its own"
        yield note(TOPIC, f"the distribution {name} installs {taken}, too", repair)


def compare(wanted: Wanted) -> Iterator[Finding]:
    """Compare the interpreter and each package with its range."""
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ImportError:
        yield problem(TOPIC, "packaging is not installed, so no version can be compared", _install(["packaging"]))
        return
    python = platform.python_version()
    if SpecifierSet(wanted.python).contains(python, prereleases=True):
        yield ok(TOPIC, f"Python {python}")
    else:
        repair = f"make the environment anew with a Python {wanted.python}"
        yield problem(TOPIC, f"Python {python}; {wanted.origin} wants {wanted.python}", repair)
    right = 0
    for text in wanted.packages:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = _version(requirement.name)
        if version is None:
            yield problem(
                TOPIC, f"{requirement.name} is not installed; wanted {requirement.specifier}", _install([text])
            )
        elif requirement.specifier.contains(version, prereleases=True):
            right += 1
        else:
            what = f"{requirement.name} {version} is installed; wanted {requirement.specifier}"
            yield problem(TOPIC, what, _install([text]))
    yield ok(TOPIC, f"{counted(right, 'package')} as {wanted.origin} wants them")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _install(packages: Sequence[str]) -> str:
    return "install it: python -m pip install " + " ".join(f"'{each}'" for each in packages)
