"""The DAG of entries as text, Mermaid or SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from pipeline.plan.planner import Plan
from pipeline.report.graph.layers import HEIGHT, WIDTH, place

_COLOURS = {"cached": "#d9ead3", "remote": "#cfe2f3", "partial": "#fff2cc", "todo": "#f4cccc"}


def entries_of(plan: Plan) -> dict[str, Counter[str]]:
    """Count each entry's steps by state, in plan order."""
    counts: dict[str, Counter[str]] = {}
    for step in plan.steps.values():
        counts.setdefault(step.entry, Counter())[plan.states[step.id]] += 1
    return counts


def edges_of(plan: Plan) -> list[tuple[str, str]]:
    """Return (needed, needing) entries as the stages file wires them, each pair once."""
    entries = (entry for point in plan.points for entry in point.entries.values())
    return list(dict.fromkeys((need, entry.name) for entry in entries for need in entry.reads or ("index",)))


def as_text(plan: Plan) -> str:
    """Write one line an entry: its steps and what it needs."""
    edges = edges_of(plan)
    lines = []
    for entry, states in entries_of(plan).items():
        needs = [need for need, needing in edges if needing == entry]
        lines.append(f"{entry} ({_count(states)})" + (f" <- {', '.join(needs)}" if needs else ""))
    return "\n".join(lines)


def as_mermaid(plan: Plan) -> str:
    """Write a Mermaid flowchart."""
    lines = ["flowchart LR"]
    lines += [f'    {_id(entry)}["{entry}<br/>{_count(states)}"]' for entry, states in entries_of(plan).items()]
    lines += [f"    {_id(a)} --> {_id(b)}" for a, b in edges_of(plan)]
    return "\n".join(lines)


def as_svg(plan: Plan) -> str:
    """Draw the entries in columns by depth, coloured by state."""
    entries, edges = entries_of(plan), edges_of(plan)
    drawing = place(list(entries), edges)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawing.width:g} {drawing.height:g}" '
        f'width="{drawing.width:g}" height="{drawing.height:g}" font-family="sans-serif" font-size="13">',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    parts += [
        f'<path d="{_curve(points)}" fill="none" stroke="#555" marker-end="url(#a)"/>' for points in drawing.edges
    ]
    for entry, (x, y) in drawing.boxes.items():
        states = entries[entry]
        worst = next(state for state in ("todo", "partial", "remote", "cached") if state in states)
        centre = x + WIDTH / 2
        parts.append(
            f'<rect x="{x:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" '
            f'fill="{_COLOURS[worst]}" stroke="#555"/>'
            f'<text x="{centre:g}" y="{y - 3:g}" text-anchor="middle" font-weight="bold">{escape(entry)}</text>'
            f'<text x="{centre:g}" y="{y + 13:g}" text-anchor="middle" font-size="11">{_count(states)}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Draw curves between columns (first to second point, third to fourth, ...) and straight lanes through them."""
    path = "M{:g} {:g}".format(*points[0])
    for i, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        bend = (x1 + x2) / 2
        path += f"L{x2:g} {y2:g}" if i % 2 else f"C{bend:g} {y1:g} {bend:g} {y2:g} {x2:g} {y2:g}"
    return path


def _count(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items())


def _id(entry: str) -> str:
    return "n_" + "".join(c if c.isalnum() else "_" for c in entry)
