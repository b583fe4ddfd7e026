"""The deal: the impressions of a row add up to its counts, and each is the same alone."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.arrays import Int64s
from generator.log.deal import COUNTS, FUNNEL, Outcomes, deal
from generator.randomness import row_keys

SUMS = {
    "is_skipped": "skips",
    "is_clicked": "clicks",
    "is_scanned": "qr_scans",
    "is_engaged": "interactive_engagements",
    "is_measurable": "measurable_impressions",
    "is_viewable": "viewable_impressions",
    "is_audible": "audible_impressions",
    "spend_micros": "spend_micros",
}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, int]:
    """An hourly row with any counts that its table allows."""
    found = {"impressions": draw(st.integers(0, 400))}

    def below(name: str, most: int) -> None:
        found[name] = draw(st.integers(0, most) | st.sampled_from([0, most]))

    most = found["impressions"]
    for name in FUNNEL:
        below(name, most)
        most = found[name]
    below("skips", found["video_starts"] - found["video_q100"])
    below("measurable_impressions", found["impressions"])
    for name in ("viewable_impressions", "audible_impressions"):
        below(name, found["measurable_impressions"])
    for name in ("clicks", "qr_scans", "interactive_engagements"):
        below(name, found["impressions"])
    price = draw(st.integers(0, 10**12))
    found["spend_micros"] = price if found["impressions"] else 0
    return found


def columns(table: list[dict[str, int]]) -> dict[str, Int64s]:
    return {name: np.array([row[name] for row in table], dtype=np.int64) for name in COUNTS}


def dealt(counts: dict[str, Int64s], stream: int) -> tuple[Int64s, Int64s, Outcomes]:
    impressions = counts["impressions"]
    row = np.repeat(np.arange(impressions.size), impressions)
    number = np.arange(row.size) - (impressions.cumsum() - impressions)[row]
    keys = row_keys(stream, np.arange(impressions.size))
    return row, number, deal(counts, keys, row, number)


@given(st.lists(rows(), min_size=1, max_size=6), st.integers(0, 2**63))
def test_impressions_add_up_to_every_count_of_their_row(
    table: list[dict[str, int]], stream: int
) -> None:
    """And what an impression had is what one can have: no completed view is skipped, nothing is
    viewable that could not be measured."""
    counts = columns(table)
    row, _, found = dealt(counts, stream)
    for field, name in SUMS.items():
        sums = np.zeros(len(table), dtype=np.int64)
        np.add.at(sums, row, getattr(found, field).astype(np.int64))
        assert sums.tolist() == counts[name].tolist(), name
    for depth, name in enumerate(FUNNEL, start=1):
        sums = np.bincount(row[found.furthest >= depth], minlength=len(table))
        assert sums.tolist() == counts[name].tolist(), name
    had_left = (found.furthest > 0) & (found.furthest < len(FUNNEL))
    assert had_left[found.is_skipped].all()
    assert found.is_measurable[found.is_viewable | found.is_audible].all()
    spend = counts["spend_micros"] // np.maximum(counts["impressions"], 1)
    assert np.isin(found.spend_micros - spend[row], [0, 1]).all()


@given(st.lists(rows(), min_size=1, max_size=6), st.integers(0, 2**63))
def test_an_impression_alone_is_as_in_its_row(table: list[dict[str, int]], stream: int) -> None:
    counts = columns(table)
    row, number, found = dealt(counts, stream)
    some = np.random.default_rng(stream).permutation(row.size)[: row.size // 3]
    alone = deal(counts, row_keys(stream, np.arange(len(table))), row[some], number[some])
    for field in fields(Outcomes):
        expected = getattr(found, field.name)[some]
        assert getattr(alone, field.name).tolist() == expected.tolist(), field.name


def test_what_became_of_an_impression_says_nothing_of_its_place_or_its_other_outcomes() -> None:
    """Over 4,000 rows, each pair of outcomes is as frequent as chance has it."""
    one = dict.fromkeys(COUNTS, 0) | {
        "impressions": 20,
        "video_starts": 18,
        "video_q25": 16,
        "video_q50": 14,
        "video_q75": 12,
        "video_q100": 10,
        "skips": 4,
        "clicks": 5,
        "qr_scans": 6,
        "interactive_engagements": 7,
        "measurable_impressions": 16,
        "viewable_impressions": 12,
        "audible_impressions": 8,
    }
    rows = 4_000
    _, number, found = dealt(columns([one] * rows), stream=11)
    completed = found.furthest == len(FUNNEL)
    chances = {
        "completed": (completed, 10 / 20),
        "clicked": (found.is_clicked, 5 / 20),
        "scanned": (found.is_scanned, 6 / 20),
        "engaged": (found.is_engaged, 7 / 20),
        "measurable": (found.is_measurable, 16 / 20),
        "first of the row": (number < 10, 1 / 2),
    }
    for one_name, (one_mask, one_chance) in chances.items():
        for other, (other_mask, chance) in chances.items():
            if one_name < other:
                share = (one_mask & other_mask).sum() / number.size
                expected = one_chance * chance
                assert abs(share - expected) < 0.012, (one_name, other, share, expected)
    measured = found.is_measurable
    both = (found.is_viewable & found.is_audible).sum() / measured.sum()
    assert abs(both - 12 / 16 * 8 / 16) < 0.012
    early = found.is_skipped & (found.furthest == 1)
    assert abs(early.sum() / found.is_skipped.sum() - 2 / 8) < 0.02
