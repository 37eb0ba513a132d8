"""What a transfer has to send: decided from two listings and the manifest, before the first byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from store.manifest.schema import Manifest, ObjectEntry


@dataclass(frozen=True)
class Transfer:
    """The objects of an output, by what a transfer does with them.

    Attributes
    ----------
    damaged : ObjectEntry or None
        The first that the source lacks or holds with another size: nothing is sent then.
    present : tuple of ObjectEntry
        At the target with their size.
    missing : tuple of ObjectEntry
        To be sent, large ones first, so that the last to end is a small one.
    """

    damaged: ObjectEntry | None
    present: tuple[ObjectEntry, ...]
    missing: tuple[ObjectEntry, ...]

    @property
    def bytes(self) -> int:
        """What has to be sent."""
        return sum(entry.size for entry in self.missing)


def plan_transfer(manifest: Manifest, source: Mapping[str, int], target: Mapping[str, int]) -> Transfer:
    """Compare a manifest with the sizes of what lies at the source and at the target.

    Parameters
    ----------
    manifest : Manifest
    source, target : mapping
        Size in bytes by path below the attempt.
    """
    damaged = next((entry for entry in manifest.objects if source.get(entry.path) != entry.size), None)
    present = tuple(entry for entry in manifest.objects if target.get(entry.path) == entry.size)
    there = set(present)
    missing = sorted((entry for entry in manifest.objects if entry not in there), key=lambda entry: -entry.size)
    return Transfer(damaged, present, tuple(missing))
