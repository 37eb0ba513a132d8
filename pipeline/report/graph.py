"""The DAG of entries as text, Mermaid or SVG."""

from __future__ import annotations

from html import escape

from pipeline.plan.planner import Plan

_COLOURS = {"cached": "#d9ead3", "partial": "#fff2cc", "todo": "#f4cccc"}


def entries_of(plan: Plan) -> dict[str, dict[str, int]]:
    """Count each entry's steps by state, in plan order."""
    counts: dict[str, dict[str, int]] = {}
    for step in plan.steps.values():
        states = counts.setdefault(step.entry, {})
        states[plan.states[step.id]] = states.get(plan.states[step.id], 0) + 1
    return counts


def edges_of(plan: Plan) -> list[tuple[str, str]]:
    """Return (needed, needing) entries, each pair once."""
    pairs = ((plan.steps[need].entry, step.entry) for step in plan.steps.values() for need in step.needs)
    return list(dict.fromkeys(pairs))


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
    depth: dict[str, int] = {}
    for entry in entries:
        depth[entry] = max((depth[a] + 1 for a, b in edges if b == entry), default=0)
    columns: dict[int, list[str]] = {}
    for entry, level in depth.items():
        columns.setdefault(level, []).append(entry)
    tallest = max(map(len, columns.values()))
    width, height, gap_x, gap_y = 150, 44, 60, 20
    place = {
        entry: (20 + level * (width + gap_x), 20 + (i + (tallest - len(names)) / 2) * (height + gap_y))
        for level, names in columns.items()
        for i, entry in enumerate(names)
    }
    total_x = 40 + len(columns) * (width + gap_x) - gap_x
    total_y = 40 + tallest * (height + gap_y) - gap_y
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total_x}" height="{total_y:.0f}" '
        'font-family="sans-serif" font-size="13">',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
    ]
    for a, b in edges:
        (x1, y1), (x2, y2) = place[a], place[b]
        x1, y1, y2 = x1 + width, y1 + height / 2, y2 + height / 2
        bend = (x1 + x2) / 2
        parts.append(
            f'<path d="M{x1} {y1:.1f}C{bend} {y1:.1f} {bend} {y2:.1f} {x2} {y2:.1f}" fill="none" stroke="#555" '
            'marker-end="url(#a)"/>'
        )
    for entry, (x, y) in place.items():
        states = entries[entry]
        worst = next(state for state in ("todo", "partial", "cached") if state in states)
        parts.append(
            f'<rect x="{x}" y="{y:.1f}" width="{width}" height="{height}" rx="6" fill="{_COLOURS[worst]}" '
            'stroke="#555"/>'
            f'<text x="{x + width / 2}" y="{y + 19:.1f}" text-anchor="middle" font-weight="bold">{escape(entry)}</text>'
            f'<text x="{x + width / 2}" y="{y + 35:.1f}" text-anchor="middle" font-size="11">{_count(states)}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _count(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items())


def _id(entry: str) -> str:
    return "n_" + "".join(c if c.isalnum() else "_" for c in entry)
