"""The graph as a drawing: every box has its place, and no edge passes through a box that it does not need."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.graph.layers import HEIGHT, WIDTH, Drawing, Edge, place

DMFT = ["index", "encode", "teacher", "student", "distilled", "evaluate"]
DMFT_EDGES = [
    ("index", "encode"), ("encode", "teacher"), ("encode", "student"), ("encode", "distilled"),
    ("teacher", "distilled"), ("teacher", "evaluate"), ("student", "evaluate"), ("distilled", "evaluate"),
]  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[Edge]]:
    names = [f"e{i}" for i in range(draw(st.integers(1, 7)))]
    pairs = list(combinations(names, 2))
    return names, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


def check(drawing: Drawing, edges: list[Edge]) -> None:
    for (ax, ay), (bx, by) in combinations(drawing.boxes.values(), 2):
        assert abs(ax - bx) >= WIDTH or abs(ay - by) >= HEIGHT
    for (a, b), points in zip(edges, drawing.edges, strict=True):
        assert points[0] == (drawing.boxes[a][0] + WIDTH, drawing.boxes[a][1])
        assert points[-1] == drawing.boxes[b]
        assert [x for x, _ in points] == sorted(x for x, _ in points)
        for (x1, y1), (x2, y2) in zip(points[1:-1:2], points[2:-1:2], strict=True):  # through a column, straight
            assert y1 == y2
            for x, y in drawing.boxes.values():
                assert x2 <= x or x1 >= x + WIDTH or abs(y - y1) > HEIGHT / 2


@given(graphs())
def test_boxes_and_edges_keep_apart(graph: tuple[list[str], list[Edge]]) -> None:
    check(place(*graph), graph[1])


def test_the_dmft_experiment_has_no_crossing() -> None:
    drawing = place(DMFT, DMFT_EDGES)
    check(drawing, DMFT_EDGES)
    steps = [
        (points[i], points[i + 1]) for points in drawing.edges for i in range(0, len(points) - 1, 2)
    ]  # what lies between two columns
    for (a, b), (c, d) in combinations(steps, 2):
        if a[0] == c[0]:
            assert (a[1] - c[1]) * (b[1] - d[1]) >= 0, f"{a} to {b} crosses {c} to {d}"


@pytest.mark.parametrize("entries", [["index"], ["index", "encode"]])
def test_small_graphs(entries: list[str]) -> None:
    drawing = place(entries, [])
    assert drawing.width > WIDTH
    assert drawing.height > HEIGHT
