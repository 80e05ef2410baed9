"""Bodies of vault objects are kept within a limit of bytes, and the ones not used for longest are forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.snapshots import kept_bodies
from vectora_ops.snapshots.kept_bodies import KeptBodies


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_bodies, "LARGEST_BODY_BYTES", 10)
    monkeypatch.setattr(kept_bodies, "ALL_BODIES_BYTES", 25)


def test_a_body_that_was_used_is_kept_longer_than_one_that_was_not() -> None:
    kept = KeptBodies()
    kept.keep("a", b"a" * 10)
    kept.keep("b", b"b" * 10)
    assert kept.get("a") == b"a" * 10
    kept.keep("c", b"c" * 10)
    assert [kept.get(name) is not None for name in "abc"] == [True, False, True]


def test_a_large_body_is_not_kept_and_replaces_none() -> None:
    kept = KeptBodies()
    kept.keep("a", b"a")
    kept.keep("large", b"l" * 11)
    assert kept.get("large") is None
    assert kept.get("a") == b"a"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60))
def test_no_more_bytes_are_kept_than_the_limit_and_none_are_wrong(uses: list[tuple[int, bool]]) -> None:
    kept = KeptBodies()
    for number, is_read in uses:
        if is_read:
            assert kept.get(str(number)) in (None, bytes([number]) * number)
        else:
            kept.keep(str(number), bytes([number]) * number)
        held = [kept.get(str(each)) for each in range(10)]
        assert sum(len(body) for body in held if body) <= 25
