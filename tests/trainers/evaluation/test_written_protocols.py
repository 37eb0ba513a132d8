"""Protocols that a stages file writes out: they split as they say, and never share a recording between the sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from trainers.evaluation.folds import Fold, SplitError
from trainers.evaluation.protocol_params import (
    KFolds,
    LeaveOneOut,
    ProtocolParams,
    RandomSplit,
    Sides,
    WrittenFolds,
    protocol_text,
)
from trainers.evaluation.written_protocols import written_folds


@dataclass(frozen=True)
class Row:
    id: str
    subject: str = "1"
    action: str = "wave"
    session: str = "1"
    scene: str | None = None
    view: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def split(protocol: ProtocolParams, rows: list[Row], table: list[Row] | None = None) -> tuple[Fold, ...]:
    return written_folds(protocol, rows, table or rows)


def params(kind: Any, **values: Any) -> Any:
    return msgspec.convert({key.replace("_", "-"): value for key, value in values.items()}, kind)


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Recordings of 5 to 9 subjects, of classes as it happens, with a column of the source's own."""
    rows = []
    for subject in range(draw(st.integers(5, 9))):
        actions = draw(st.lists(st.sampled_from(["clap", "wave", "run"]), min_size=1, max_size=8))
        hand = draw(st.sampled_from(["left", "right"]))
        for i, action in enumerate(actions):
            rows.append(Row(f"{subject}-{i}", f"s{subject}", action, str(i % 3), columns={"hand": hand}))
    return draw(st.permutations(rows))


PROTOCOLS: dict[str, ProtocolParams] = {
    "by subject": params(Sides, test={"subject": ["s0", "s3"]}),
    "two columns": params(Sides, test={"subject": ["s0", "s3"], "session": 0}),
    "train alone": params(Sides, train={"subject": ["s1", "s4"]}),
    "both sides": params(Sides, test={"subject": "s0"}, train={"subject": ["s1", "s2"]}),
    "one subject out": params(LeaveOneOut, leave_one_out="subject"),
    "one recording out": params(LeaveOneOut, leave_one_out="id"),
    "k folds": params(KFolds, k_folds=5),
    "stratified": params(KFolds, k_folds=3, stratified=True, seed=4),
    "k folds of recordings": params(KFolds, k_folds=5, by="id", stratified=True),
    "by chance": params(RandomSplit, random=0.5, seed=1),
    "written out": params(
        WrittenFolds, folds=[{"name": "a", "test": {"subject": "s1"}}, {"name": "b", "train": {"subject": "s1"}}]
    ),
}


@given(st.sampled_from(sorted(PROTOCOLS)), tables(), st.randoms(use_true_random=False))
def test_no_recording_is_on_both_sides_and_order_is_nothing(name: str, rows: list[Row], random: Random) -> None:
    def sides(rows: list[Row]) -> list[tuple[str, set[str], set[str]]] | str:
        try:
            made = split(PROTOCOLS[name], rows)
        except SplitError as error:
            return error.key
        assert len({fold.name for fold in made}) == len(made)
        assert all(len(set(side)) == len(side) for fold in made for side in (fold.train, fold.test))
        return [(fold.name, set(fold.train), set(fold.test)) for fold in made]

    made = sides(rows)
    assert made == sides(random.sample(rows, len(rows)))
    for _, train, test in made if isinstance(made, list) else ():
        assert train
        assert test
        assert not train & test
        assert train | test <= {row.id for row in rows}
        if name != "both sides":
            assert train | test == {row.id for row in rows}


@given(st.sampled_from(["one subject out", "k folds", "stratified"]), tables())
def test_a_subject_is_on_one_side_and_each_recording_tested_once(name: str, rows: list[Row]) -> None:
    subject = {row.id: row.subject for row in rows}
    made = split(PROTOCOLS[name], rows)
    for fold in made:
        assert not {subject[id_] for id_ in fold.train} & {subject[id_] for id_ in fold.test}
    assert Counter(id_ for fold in made for id_ in fold.test) == Counter(row.id for row in rows)


@given(tables(), st.integers(2, 5), st.integers(0, 9))
def test_k_folds_have_as_many_subjects_but_one(rows: list[Row], count: int, seed: int) -> None:
    subject = {row.id: row.subject for row in rows}
    made = split(params(KFolds, k_folds=count, seed=seed), rows)
    sizes = [len({subject[id_] for id_ in fold.test}) for fold in made]
    assert max(sizes) - min(sizes) <= 1


@given(tables(), tables())
def test_more_recordings_of_known_subjects_move_no_old_one(rows: list[Row], more: list[Row]) -> None:
    known = {row.subject for row in rows}
    grown = [*rows, *(Row(f"new-{row.id}", row.subject, row.action) for row in more if row.subject in known)]
    for name in ("k folds", "by subject", "one subject out"):
        before, after = split(PROTOCOLS[name], rows), split(PROTOCOLS[name], grown)
        for old, new in zip(before, after, strict=True):
            assert set(old.test) <= set(new.test)
            assert set(old.train) <= set(new.train)


@given(tables(), st.integers(0, 9))
def test_folds_stay_where_recordings_cannot_be_used(rows: list[Row], seed: int) -> None:
    """Whichever lack a stream: so that experiments on other modalities have the same folds."""
    usable = [row for row in rows if not row.id.endswith("-1")]
    for protocol in (params(KFolds, k_folds=3, stratified=True, seed=seed), params(KFolds, k_folds=3, seed=seed)):
        for whole, some in zip(split(protocol, rows), split(protocol, usable, rows), strict=True):
            ids = {row.id for row in usable}
            assert (set(some.train), set(some.test)) == (set(whole.train) & ids, set(whole.test) & ids)


@given(st.lists(st.sampled_from("abc"), min_size=12, max_size=60), st.integers(2, 5))
def test_stratified_by_recording_gives_each_part_each_classs_share(classes: list[str], count: int) -> None:
    rows = [Row(f"{i:02}", action=action) for i, action in enumerate(classes)]
    made = split(params(KFolds, k_folds=count, by="id", stratified=True), rows)
    action = {row.id: row.action for row in rows}
    for name in set(classes):
        counts = [sum(action[id_] == name for id_ in fold.test) for fold in made]
        assert max(counts) - min(counts) <= 1


def unevenness(rows: list[Row], folds: list[list[str]]) -> float:
    """Sum over classes and parts of the squared distance of a class's share from an even one."""
    action = {row.id: row.action for row in rows}
    totals = Counter(action.values())
    counts = [Counter(action[id_] for id_ in test) for test in folds]
    return sum((each[c] / totals[c] - 1 / len(folds)) ** 2 for each in counts for c in totals)


def test_stratified_by_subject_is_as_even_as_scikit_learns() -> None:
    random, ours, theirs, plain = Random(0), 0.0, 0.0, 0.0
    for _ in range(40):
        rows = []
        for subject in range(random.randrange(10, 25)):
            weights = [random.random() ** 2 + 0.02 for _ in range(4)]
            actions = random.choices("abcd", weights, k=random.randrange(4, 30))
            rows += [Row(f"{subject}-{i}", str(subject), action) for i, action in enumerate(actions)]
        labels, groups = ([getattr(row, name) for row in rows] for name in ("action", "subject"))
        sides = StratifiedGroupKFold(5).split(np.zeros(len(rows)), labels, groups)
        theirs += unevenness(rows, [[rows[i].id for i in test] for _, test in sides])
        for stratified in (True, False):
            made = split(params(KFolds, k_folds=5, stratified=stratified), rows)
            found = unevenness(rows, [[*fold.test] for fold in made])
            ours, plain = (ours + found, plain) if stratified else (ours, plain + found)
    assert ours <= theirs
    assert ours < 0.5 * plain


def test_folds_are_the_same_on_every_machine() -> None:
    """Frozen: a change of these numbers moves recordings of everybody's folds."""
    rows = [Row(f"{s}-{i}", f"s{s}", "ab"[(s + i) % 3 == 0]) for s in range(7) for i in range(s + 2)]
    tests = defaultdict(list)
    for name, protocol in {
        "plain": params(KFolds, k_folds=3),
        "seed 1": params(KFolds, k_folds=3, seed=1),
        "stratified": params(KFolds, k_folds=3, stratified=True),
    }.items():
        for fold in split(protocol, rows):
            tests[name].append(" ".join(sorted({id_.split("-")[0] for id_ in fold.test})))
    assert tests == {
        "plain": ["1 4 5", "2 6", "0 3"],
        "seed 1": ["2 4 6", "0 1", "3 5"],
        "stratified": ["1 6", "0 2 5", "3 4"],
    }


def test_a_share_by_chance_is_about_that_and_moves_no_old_recording() -> None:
    rows = [Row(f"r{i}") for i in range(1000)]
    (before,) = split(params(RandomSplit, random=0.3), rows)
    (after,) = split(params(RandomSplit, random=0.3), [*rows, *(Row(f"new{i}") for i in range(50))])
    (more,) = split(params(RandomSplit, random=0.4), rows)
    (other,) = split(params(RandomSplit, random=0.3, seed=1), rows)
    assert 250 < len(before.test) < 350
    assert set(before.test) <= set(after.test) & set(more.test)
    assert set(before.train) <= set(after.train)
    assert 0.2 < len(set(before.test) & set(other.test)) / len(before.test) < 0.4


def test_all_conditions_must_hold_and_numbers_are_texts() -> None:
    rows = [Row(f"{s}{t}", str(s), session=str(t), columns={"hand": "lr"[s % 2]}) for s in (1, 2, 3) for t in (1, 2)]
    (fold,) = split(params(Sides, test={"subject": [1, "2"], "session": 2}), rows)
    assert (fold.name, fold.test) == ("test=subject=1+2 session=2", ("12", "22"))
    (fold,) = split(params(Sides, train={"hand": "r"}), rows)
    assert (fold.name, fold.train) == ("train=hand=r", ("11", "12", "31", "32"))


def test_leave_one_out_by_a_column_of_the_source_and_by_none() -> None:
    rows = [Row(f"{i}", columns={"site": site}) for i, site in enumerate(["10", "9", "lab", "9"])]
    made = split(params(LeaveOneOut, leave_one_out="site"), rows)
    assert [(fold.name, fold.test) for fold in made] == [
        ("site=9", ("1", "3")), ("site=10", ("0",)), ("site=lab", ("2",))
    ]  # fmt: skip


ROWS = [
    Row(f"{s}-{t}", f"s{s}", session=str(t), columns={"hand": "left"} if s else {}) for s in range(3) for t in (1, 2)
]


@pytest.mark.parametrize(
    ("protocol", "key", "problem", "remedy"),
    [
        (params(Sides, test={"subjct": "s1"}), "test.subjct", "no recording has a subjct", "did you mean `subject`?"),
        (params(Sides, test={"scene": 2}), "test.scene", "no recording has a scene", "label, session, hand"),
        (params(Sides, test={"subject": ["s1", "s9"]}), "test.subject[1]", "the subject s9", "s0, s1, s2"),
        (params(Sides, test={"subject": "s9"}), "test.subject", "no recording has the subject s9", "there are: s0"),
        (params(Sides, test={"subject": []}), "test.subject", "the list is empty", "there are: s0"),
        (params(Sides, test={}), "test", "names no column", "for example test: {subject: [2, 4]}"),
        (params(Sides, test={"id": "0-1", "session": 2}), "test", "no recording fits all of it", "condition out"),
        (params(Sides, test={"session": [1, 2]}), "", "fold test=session=1+2 has no training recordings, of 6", "add"),
        (
            params(Sides, test={"subject": "s1"}, train={"session": 1}), "train",
            "recording 1-1 is in test, too (1 in all)", "let no recording fit both",
        ),
        (params(LeaveOneOut, leave_one_out="hand"), "leave-one-out", "recording 0-1 has no hand", "give it one"),
        (params(LeaveOneOut, leave_one_out="label"), "leave-one-out", "all recordings have the label wave", "another"),
        (params(KFolds, k_folds=4), "k-folds", "4 folds by subject, and there are 3: s0, s1, s2", "take at most 3"),
        (params(KFolds, k_folds=2, by="site"), "by", "no recording has a site", "there are: id, subject"),
        (params(RandomSplit, random=0.000001), "", "fold random=1e-06 has no test recordings", "add recordings"),
        (
            params(WrittenFolds, folds=[{"name": "a", "test": {"subject": "s1"}}, {"name": "b", "test": {"view": 1}}]),
            "folds[1].test.view", "no recording has a view", "there are: id",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_with_the_recordings(protocol: ProtocolParams, key: str, problem: str, remedy: str) -> None:
    with pytest.raises(SplitError) as raised:
        split(protocol, ROWS)
    assert raised.value.key == key
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy


def test_nothing_to_split() -> None:
    for protocol in PROTOCOLS.values():
        with pytest.raises(SplitError, match="there are no recordings to split; check the source"):
            split(protocol, [])


def test_protocols_are_told_apart_by_their_text() -> None:
    assert protocol_text("loso") == "loso"
    assert (
        protocol_text(params(Sides, test={"subject": [1, 2, 3, 4, 7, 8], "view": 2})) == "test subject=1..4+7+8 view=2"
    )
    assert protocol_text(PROTOCOLS["both sides"]) == "train subject=s1+s2, test subject=s0"
    texts = {protocol_text(protocol) for protocol in PROTOCOLS.values()}
    assert len(texts) == len(PROTOCOLS)
    many = [{"name": f"fold-{i}", "test": {"subject": [i, i + 2]}} for i in range(9)]
    long, other = (protocol_text(params(WrittenFolds, folds=folds)) for folds in (many, many[:8]))
    assert long.startswith("fold-0: test subject=0+2; fold-1: ")
    assert (len(long), long[:40]) == (60, other[:40])
    assert long != other
