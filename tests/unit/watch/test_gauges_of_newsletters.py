"""Gauges of newsletters: overdue ones, sources that fail in three runs, and the model's cost of a month."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.docs.vault_in_memory import put
from tests.unit.watch.world import DUE, SCHEDULE, SOURCES, World
from vectora_ops.watch.newsletters import failing_sources, month_model_cost, overdue_newsletters
from vectora_ops.watch.reading import Reading


def overdue(world: World) -> Reading:
    return overdue_newsletters(world.account, world.names, SCHEDULE, world.now)


def published_before(world: World) -> None:
    """Publish the client a week before the newsletter is due."""
    now = world.now
    world.at(DUE - timedelta(days=7, hours=1))
    world.publish_client()
    world.at(now)


def test_a_newsletter_that_did_not_appear_is_overdue_until_it_does(world: World) -> None:
    published_before(world)
    [found] = overdue(world).found
    assert overdue(world).value == 1
    assert found.since == DUE
    world.write_issue()
    assert overdue(world).value == 0


def test_a_newsletter_is_not_overdue_while_its_run_may_last(world: World) -> None:
    published_before(world)
    world.at(DUE - timedelta(days=7) + timedelta(minutes=5))
    world.write_issue()
    world.at(DUE + timedelta(hours=1))
    assert overdue(world).value == 0
    world.at(DUE + timedelta(hours=3))
    assert overdue(world).value == 1


def test_an_issue_of_an_earlier_week_or_a_draft_is_not_the_one_that_is_due(world: World) -> None:
    published_before(world)
    world.at(DUE - timedelta(hours=20))
    world.write_issue()
    world.at(DUE + timedelta(hours=3))
    world.write_issue(draft=True)
    assert overdue(world).value == 1


def test_without_a_schedule_nothing_is_overdue(world: World) -> None:
    published_before(world)
    assert overdue_newsletters(world.account, world.names, None, world.now) == Reading(value=0)


def test_a_client_that_was_published_after_its_time_or_is_not_active_is_not_overdue(world: World) -> None:
    world.publish_client()
    assert overdue(world).value == 0
    published_before(world)
    world.publish_client(active="false")
    assert overdue(world).value == 0


def test_a_source_fails_when_it_failed_in_the_last_three_runs(world: World) -> None:
    world.publish_client()
    world.write_report("2025/12/15", [])
    world.write_report("2025/12/22", SOURCES)
    world.write_report("2025/12/29", SOURCES[:1])
    assert failing_sources(world.account, world.names, world.now).value == 0
    world.write_report("2026/01/05", SOURCES)
    reading = failing_sources(world.account, world.names, world.now)
    assert reading.value == 1
    [found] = reading.found
    assert SOURCES[0] in found.message
    assert "HTTP status 404" in found.message
    world.write_report("2026/01/05", SOURCES[1:])
    assert failing_sources(world.account, world.names, world.now).value == 0


def test_a_source_of_two_clients_counts_once(world: World) -> None:
    for client_id in ("lai_weekly", "other"):
        world.publish_client(client_id)
        for day in ("2025/12/22", "2025/12/29", "2026/01/05"):
            world.write_report(day, SOURCES[:1], client_id)
    reading = failing_sources(world.account, world.names, world.now)
    assert reading.value == 1
    assert "lai_weekly, other" in reading.found[0].message


def test_the_cost_of_a_month_includes_drafts_and_the_canary_and_no_other_month(world: World) -> None:
    world.write_issue(cost=0.25)
    world.write_issue(cost=0.5, draft=True)
    world.write_issue(client_id="canary", cost=0.01)
    world.write_issue(client_id="other", cost=None)
    put(world.account, "newsletters", "old/2026/01/04/manifest.json", b'{"written": "by the system before"}')
    now = world.now
    world.at(now - timedelta(days=31))
    world.write_issue(cost=7.0)
    world.at(now)
    assert month_model_cost(world.account, world.names, now).value == pytest.approx(0.76)
