"""What the names of several streams say together: each part means the same in all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.init.names.groups import Group
from pipeline.init.names.roles import Naming, pattern_of, roles_of
from pipeline.init.names.template import Part, Piece
from pipeline.init.names.words import PREFIXES, is_activity, is_stream
from pipeline.sources.folder.listing.patterns import Pattern, plain

_SUBJECT_INSIDE = re.compile(r"(?<![^\W\d_])([^\W\d_]+)([_-]?)(\d+)")


@dataclass
class Agreed:
    """What was agreed on.

    Attributes
    ----------
    patterns
        Of each group.
    sure
        Whether names say who and what: of ``subject`` and ``label``, where they say them at all.
    alone
        Whether nothing says who is in a recording, so that something else counts as the subject.
    """

    patterns: dict[Group, str]
    sure: dict[str, bool]
    alone: bool = False


def agree(
    groups: Sequence[Group],
    given: Mapping[Group, str],
    *,
    ids: Mapping[Group, tuple[Part, str]],
    table: bool,
    people: bool = False,
    labelled: bool = False,
) -> Agreed:
    """Write the patterns of streams.

    Parameters
    ----------
    given
        Patterns that the user gave; streams of like names follow them.
    ids
        Parts that a column of the table of recordings has, and the column's name in the stages file.
    table
        Whether such a table says who and what.
    people, labelled
        Whether the files themselves say who it is, and what is done.
    """
    namings = {group: _named(roles_of(group), ids.get(group)) for group in groups}
    namings = {group: _as_others(naming, namings) for group, naming in namings.items()}
    if labelled:
        namings = {group: _as_person(naming) for group, naming in namings.items()}
    for group, pattern in given.items():
        roles = _roles_by(group, pattern)
        for other in groups:
            if _likeness(other) == _likeness(group):
                pairs = zip(group.parts, other.parts, strict=True)
                namings[other] = Naming({two: roles.get(one, "") for one, two in pairs}, {})
    unsure = (
        not table and not people and not given and not any(naming.sure.get("subject") for naming in namings.values())
    )
    if unsure and len([group for group in groups if _promote_subject(group)]) == len(groups):
        namings = {group: roles_of(group) for group in groups}
    if people:
        namings = {group: _without_subject(naming) for group, naming in namings.items()}
    alone = not table and not people and not any("subject" in naming.roles.values() for naming in namings.values())
    if alone:
        for group in groups:
            _promote_name(group)
        namings = {group: _with_subject(roles_of(group)) for group in groups}
    largest = max((_names(naming) for naming in namings.values()), key=len, default=set())
    patterns = {
        group: given.get(group) or pattern_of(group, naming.roles, names=None if table else [*largest])
        for group, naming in namings.items()
    }
    sure: dict[str, bool] = {}
    for naming in namings.values():
        for role, said in naming.sure.items():
            sure[role] = sure.get(role, False) or said
    if given:
        sure = {}
    return Agreed({**patterns}, sure, alone and not given)


def label_values(patterns: Sequence[str], paths: Sequence[str], role: str = "label") -> list[str]:
    """Return what paths have in a part, one for each path that fits; as it is compared."""
    compiled = [Pattern.parse(text) for text in patterns]
    found = []
    for path in paths:
        parts = next((parts for each in compiled if (parts := each.match(path)) is not None), None)
        if parts is not None and parts.get(role):
            found.append(plain(parts[role]))
    return found


def _named(naming: Naming, id: tuple[Part, str] | None) -> Naming:
    if id is None:
        return naming
    part, name = id
    return Naming({each: name if each is part else "" for each in naming.roles}, {})


def _as_others(naming: Naming, others: Mapping[Group, Naming]) -> Naming:
    """Let a word mean what the same words mean in names of another stream: ``anna`` who does it, not when."""
    roles = {**naming.roles}
    for part, role in naming.roles.items():
        values = {*part.distinct}
        if part.digits or not role or role == "part" or naming.sure.get(role):
            continue
        for other in others.values():
            for theirs, name in other.roles.items():
                alike = 5 * len(values & {*theirs.distinct}) >= 4 * len(values)
                if alike and name in ("subject", "label") and name not in roles.values():
                    roles[part] = name
    return Naming(roles, naming.sure)


def _likeness(group: Group) -> tuple[tuple[str, bool], ...]:
    return tuple((part.before, part.digits) for part in group.parts)


def _names(naming: Naming) -> set[str]:
    return {role for role in naming.roles.values() if role and role != "part"}


def _roles_by(group: Group, pattern: str) -> dict[Part, str]:
    """Return which part of a group a given pattern calls what."""
    compiled, some = Pattern.parse(pattern), range(0, len(group.paths), max(1, len(group.paths) // 50))
    matches = [(at, parts) for at in some if (parts := compiled.match(group.paths[at])) is not None]
    found: dict[Part, str] = {}
    for part in group.parts:
        for name in matches[0][1] if matches else ():
            if all(part.values[at] == parts[name] for at, parts in matches) and name not in found.values():
                found[part] = name
                break
    return found


def _promote_subject(group: Group) -> bool:
    """Make a part of the number of the only subject, where names have one: all files are ``s01_...``."""
    if any(part.before in PREFIXES["subject"] and part.digits for part in group.parts):
        return True
    for pieces in group.names:
        for at, piece in enumerate(pieces):
            if not isinstance(piece, str):
                continue
            for match in _SUBJECT_INSIDE.finditer(piece):
                if match[1].lower() in PREFIXES["subject"]:
                    part = Part(match[1].lower(), True, pieces is not group.names[-1], [match[3]] * len(group.paths))
                    split: tuple[Piece, ...] = (piece[: match.start(3)], part, piece[match.end(3) :])
                    pieces[at : at + 1] = [each for each in split if each]
                    return True
    return False


def _promote_name(group: Group) -> None:
    """Make a part of a file's whole name, where nothing in it varies."""
    if not group.parts:
        (name,) = {path.rpartition("/")[2][: -len(group.end)] for path in group.paths}
        group.names[-1] = [Part("", False, False, [name] * len(group.paths))]


def _as_person(naming: Naming) -> Naming:
    """Let the only part of names be who it is, where it is a word: ``anna.csv``."""
    free = [part for part, role in naming.roles.items() if role and role != "part"]
    if len(free) != 1 or free[0].digits or free[0].date or any(map(_is_thing, free[0].distinct)):
        return naming
    return Naming({**naming.roles, free[0]: "subject"}, {"subject": True})


def _is_thing(word: str) -> bool:
    return is_activity(word) or is_stream(word) or any(each.isdigit() for each in word)


def _without_subject(naming: Naming) -> Naming:
    """Let the part that counted as the subject tell files apart, and no more."""
    name = "file" if "session" in naming.roles.values() else "session"
    roles = {part: name if role == "subject" else role for part, role in naming.roles.items()}
    return Naming(roles, {role: sure for role, sure in naming.sure.items() if role != "subject"})


def _with_subject(naming: Naming) -> Naming:
    """Let the part that tells recordings apart count as the subject."""
    roles = {**naming.roles}
    order = ("session", *(role for role in roles.values() if role not in ("label", "part", "session", "")))
    for role in order:
        part = next((part for part, each in roles.items() if each == role), None)
        if part is not None:
            roles = {each: "subject" if name == role else name for each, name in roles.items()}
            break
    return Naming(roles, {**naming.sure, "subject": False})
