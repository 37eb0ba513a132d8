"""What the parts of names mean: whose a recording is, what is done in it, which time it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.init.names.groups import Group
from pipeline.init.names.template import Part
from pipeline.init.names.words import PREFIXES, is_activity, is_group, is_stream
from pipeline.sources.folder.listing.patterns import Pattern, escaped, plain
from pipeline.sources.folder.params import Format

SURE = 2.0  # what a role's score is where a name says it
_ORDERED: tuple[Format, ...] = ("images", "json")  # may be a file a frame


@dataclass(frozen=True)
class Naming:
    """What the parts of a group's names mean.

    Attributes
    ----------
    roles
        Of each part, its name in the pattern; empty for what another part says as well.
    sure
        Whether names say it, for ``subject`` and ``label`` where there is such a part.
    """

    roles: Mapping[Part, str]
    sure: Mapping[str, bool]


def roles_of(group: Group) -> Naming:
    """Give each part of a group's names a meaning, the surest first."""
    parts, roles = group.parts, dict[Part, str]()
    frames = _frames(group)
    if frames is not None:
        roles[frames] = "part"
    spelt = _spelt_otherwise(parts)
    same = _repeated([part for part in parts if part is not frames and part not in spelt])
    free = [part for part in parts if part is not frames and part not in same and part not in spelt]
    scores = {part: _scores(part, free, len(group.paths)) for part in free}
    ranked = sorted(
        ((score, -free.index(part), role, part) for part, each in scores.items() for role, score in each.items()),
        key=lambda each: each[:2],
        reverse=True,
    )
    sure, said = {}, False
    for score, _, role, part in ranked:
        if part not in roles and role not in roles.values() and score > 0:
            roles[part] = role
            sure[role] = score >= SURE
            if score == 4.0:
                said = True
    if said and "subject" in sure and not any(part.digits for part, role in roles.items() if role == "subject"):
        sure["subject"] = True  # of two words one is what is done, so that the other is who does it
    if not said and "label" in sure and not sure.get("subject", False):
        sure["label"] &= any(part.before for part, role in roles.items() if role == "label")
    for number, part in enumerate(each for each in free if each not in roles):
        long = part.digits and min(map(len, part.distinct)) >= 6
        name = re.sub(r"\W", "", part.before) or ("time" if long else f"name{number + 1}")
        roles[part] = name if name[0].isalpha() and name not in {*roles.values(), "part"} else f"name{number + 1}"
    for part, original in same.items():
        roles[part] = roles[original] if part.values == original.values else ""
    return Naming(roles, {role: sure[role] for role in ("subject", "label") if role in sure})


def pattern_of(group: Group, roles: Mapping[Part, str], *, names: Sequence[str] | None = None) -> str:
    """Write a group's pattern.

    Parameters
    ----------
    names
        Which roles it may name; all where left out. ``*`` stands for other parts.
    """
    wanted = {part: role for part, role in roles.items() if role and (names is None or role in {*names, "part"})}
    text = _written(group, wanted, strict=False)
    return text if _reads_as_meant(text, group, wanted) else _written(group, wanted, strict=True)


def _written(group: Group, roles: Mapping[Part, str], *, strict: bool) -> str:
    written = []
    for pieces in group.names:
        text = ""
        for at, piece in enumerate(pieces):
            if isinstance(piece, str):
                text += escaped(piece)
                continue
            touches = at and not isinstance(pieces[at - 1], str)
            touches = touches or (at + 1 < len(pieces) and not isinstance(pieces[at + 1], str))
            kind = ":d" if piece.digits and (touches or strict) else ""
            text += f"{{{roles[piece]}{kind}}}" if piece in roles else _any_case(piece) if piece.one_word else "*"
        written.append(text)
    return re.sub(r"\*{2,}", "*", "/".join(written)) + group.end


def _any_case(part: Part) -> str:
    """Write a word with ``?`` for letters that are large in some names, small in others."""
    spellings = [*part.distinct]
    return "".join(escaped(each[0]) if len({*each}) == 1 else "?" for each in zip(*spellings, strict=False))


def _spelt_otherwise(parts: Sequence[Part]) -> list[Part]:
    """Return the words before numbers that are in capitals here and in small letters there: ``P1``, ``p2``."""
    return [part for part in parts if part.one_word and any(other.before == _lower(part) for other in parts)]


def _lower(part: Part) -> str:
    return next(iter(part.values)).lower()


def _reads_as_meant(text: str, group: Group, roles: Mapping[Part, str]) -> bool:
    """Tell whether a pattern finds in each of many paths the parts that it was made of."""
    pattern = Pattern.parse(text)
    for at in range(0, len(group.paths), max(1, len(group.paths) // 2000)):
        found = pattern.match(group.paths[at])
        if found is None or any(found[role] != part.values[at] for part, role in roles.items()):
            return False
    return True


def _scores(part: Part, all_parts: Sequence[Part], files: int) -> dict[str, float]:
    values = part.distinct
    before = part.before.strip("_- ")
    found = {role: known[before] for role, known in PREFIXES.items() if before in known}
    if found == {"subject": 2.0} and before == "s" and any(other.before == "p" for other in all_parts):
        found = {"scene": 2.0}  # NTU RGB+D: setup, camera, performer, repetition, action
    if not any(each.isalpha() for each in "".join(values)):
        if found:
            return found
        if min(map(len, values)) >= 6:  # dates, serial numbers
            return {"session": 1.2}
        if len(values) == files and len(all_parts) > 1:
            return {"session": 1.1}
        return {"subject": 1.0, "label": 0.9, "session": 0.8}
    if is_group([*values]):
        return {"group": 3.0}
    active = sum(is_activity(each) for each in values) / len(values)
    if active >= 0.3:
        return {"label": 4.0}
    if len(values) == files and files > 3:
        return {"session": 0.6}
    if all(is_stream(each) for each in values):
        return {"device": 2.0}
    several = 2 <= len(values) <= min(200, files / 2)
    words = {"label": 2.0 if part.folder else 1.5, "subject": 1.4} if several else {"subject": 0.8, "label": 0.7}
    if several and max(map(len, values)) <= 2:  # a, b
        words["session"] = 0.5
    return {**words, **found}


def _frames(group: Group) -> Part | None:
    """Return the part that counts the files of one recording: pictures, or a JSON file a frame."""
    last = next((part for part in reversed(group.parts) if not part.folder and part.digits), None)
    if group.kind not in _ORDERED or last is None:
        return None
    if any(last.before in PREFIXES[role] for role in ("subject", "label", "view")):
        return None
    others = [part for part in group.parts if part is not last]
    recordings = len({*zip(*(part.values for part in others), strict=True)}) if others else 1
    return last if len(group.paths) >= 5 * recordings else None


def _repeated(parts: Sequence[Part]) -> dict[Part, Part]:
    """Return parts that say what another one says: in a folder and in the file's name, or as a number and a word."""
    found: dict[Part, Part] = {}
    for part in parts:
        for other in parts:
            if part is other or other in found or part in found:
                continue
            if part.values == other.values:
                if parts.index(part) > parts.index(other):
                    found[part] = other
            elif _says(part, other):
                found[part] = other
    return found


def _says(part: Part, other: Part) -> bool:
    """Tell whether a part says nothing beside another, of which it is a number or another spelling."""
    plains = [*map(plain, part.values)]
    if plains == [*map(plain, other.values)]:
        return len(part.values[0]) <= len(other.values[0])
    pairs = len({*zip(plains, other.values, strict=True)})
    one_to_one = pairs == len({*plains}) == len(other.distinct)
    if not one_to_one or pairs < 3 or pairs > len(plains) / 2:
        return False
    return part.digits and not other.digits
