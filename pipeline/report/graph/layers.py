"""A place for every entry of a graph: columns by depth; an edge that passes a column gets a lane of its own there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 150, 44  # of an entry's box, in pixels
_LANE, _GAP_X, _GAP_Y, _MARGIN = 12, 60, 20, 20

Node = str | tuple[str, str, int]  # an entry, or the lane of an edge (from, to) in a column
Edge = tuple[str, str]


@dataclass(frozen=True)
class Drawing:
    """Places in pixels: each box's left edge and middle, each edge's points from left to right, and the whole."""

    boxes: Mapping[str, tuple[float, float]]
    edges: Sequence[Sequence[tuple[float, float]]]
    width: float
    height: float


def place(entries: Sequence[str], edges: Sequence[Edge]) -> Drawing:
    """Lay a graph out from left to right; entries stand in an order in which each comes after what it needs."""
    depth: dict[str, int] = {}
    for entry in entries:
        depth[entry] = max((depth[a] + 1 for a, b in edges if b == entry), default=0)
    chains = [_chain(edge, depth) for edge in edges]
    columns: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for entry in entries:
        columns[depth[entry]].append(entry)
    for chain in chains:
        for node in chain[1:-1]:
            columns[node[2] if isinstance(node, tuple) else 0].append(node)
    _untangle(columns, chains)
    heights = [sum(map(_height, column)) + _GAP_Y * (len(column) - 1) for column in columns]
    middle: dict[Node, tuple[float, float]] = {}
    for level, column in enumerate(columns):
        y = _MARGIN + (max(heights) - heights[level]) / 2
        for node in column:
            middle[node] = (_MARGIN + level * (WIDTH + _GAP_X), y + _height(node) / 2)
            y += _height(node) + _GAP_Y
    return Drawing(
        boxes={entry: middle[entry] for entry in entries},
        edges=[_points(chain, middle) for chain in chains],
        width=2 * _MARGIN + len(columns) * (WIDTH + _GAP_X) - _GAP_X,
        height=2 * _MARGIN + max(heights),
    )


def _chain(edge: Edge, depth: Mapping[str, int]) -> list[Node]:
    lanes: list[Node] = [(*edge, level) for level in range(depth[edge[0]] + 1, depth[edge[1]])]
    return [edge[0], *lanes, edge[1]]


def _untangle(columns: Sequence[list[Node]], chains: Sequence[Sequence[Node]]) -> None:
    """Order each column by the mean place of its neighbours, back and forth, as Sugiyama's method does."""
    links = [link for chain in chains for link in pairwise(chain)]
    for forth in (False, True, False, True):
        order = range(1, len(columns)) if forth else range(len(columns) - 2, -1, -1)
        for level in order:
            beside = {node: i for i, node in enumerate(columns[level - 1 if forth else level + 1])}
            here = {node: i for i, node in enumerate(columns[level])}

            def mean(node: Node, beside: dict[Node, int] = beside, here: dict[Node, int] = here) -> float:
                pairs = [(a, b) for a, b in links if node in (a, b)]
                places = [beside[other] for pair in pairs for other in pair if other in beside]
                return sum(places) / len(places) if places else here[node]

            columns[level].sort(key=mean)


def _height(node: Node) -> float:
    return HEIGHT if isinstance(node, str) else _LANE


def _points(chain: Sequence[Node], middle: Mapping[Node, tuple[float, float]]) -> list[tuple[float, float]]:
    (x, y), *lanes, end = (middle[node] for node in chain)
    points = [(x + WIDTH, y)]
    for x, y in lanes:
        points += [(x, y), (x + WIDTH, y)]
    return [*points, end]
