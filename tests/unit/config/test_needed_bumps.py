"""Bumps of a client's version that changes of its file need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vectora_shared.config.changes import Bump, bumped, changes_between, moved_far_enough, needed_bump
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration

Edit = Callable[[dict[str, Any]], object]


def _edited(client: ClientConfig, edit: Edit) -> ClientConfig:
    document = client.model_dump(mode="json")
    edit(document)
    return ClientConfig.model_validate(document, strict=False)


@pytest.mark.parametrize(
    ("edit", "bump", "path"),
    [
        (lambda d: d["client_profile"].update(name="Other"), "patch", "client_profile.name"),
        (lambda d: d["newsletter_layout"]["sections"][0].update(title="Other"), "patch", "newsletter_layout"),
        (lambda d: d["source_config"]["sources_extra_enabled"].append("x"), "minor", "source_config"),
        (lambda d: d["newsletter_selection"].update(max_items_total=9), "minor", "newsletter_selection"),
        (lambda d: d["client_profile"].update(active=False), "minor", "client_profile.active"),
        (
            lambda d: d["newsletter_layout"]["sections"].append(
                {**d["newsletter_layout"]["sections"][0], "id": "more", "priority": 50}
            ),
            "minor",
            "newsletter_layout.sections.more",
        ),
        (lambda d: d["newsletter_layout"]["sections"].pop(), "major", "newsletter_layout.sections.others"),
        (lambda d: d["newsletter_layout"]["sections"][0].update(max_items=2), "major", "newsletter_layout.sections"),
        (lambda d: d["watch_domains"][0].update(company_scope="x"), "major", "watch_domains"),
        (lambda d: d["watch_domains"][0].update(molecule_scope=None), "major", "watch_domains"),
        (lambda d: d["watch_domains"][0]["exclusion_scopes"].append("x"), "major", "watch_domains"),
        (lambda d: d["source_config"]["source_bouquets_enabled"].pop(), "major", "source_config"),
    ],
)
def test_the_bump_follows_from_what_happens_to_items(
    configuration: Configuration, edit: Edit, bump: Bump, path: str
) -> None:
    before = configuration.client
    after = _edited(before, edit)
    assert needed_bump(before, after) == bump
    assert [change.path.startswith(path) for change in changes_between(before, after)] == [True]


def test_the_largest_of_several_changes_decides(configuration: Configuration) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["client_profile"]["name"] = "Other"
        document["newsletter_layout"]["sections"].pop()

    assert needed_bump(configuration.client, _edited(configuration.client, edit)) == "major"


def test_the_version_itself_and_the_order_of_lists_are_no_change(configuration: Configuration) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["client_profile"]["version"] = document["metadata"]["config_version"] = "9.0.0"
        document["metadata"]["changelog"].insert(0, {"version": "9.0.0", "date": "2026-11-25", "changes": "x"})
        document["newsletter_selection"]["critical_event_types"].reverse()
        document["newsletter_layout"]["sections"].reverse()

    after = _edited(configuration.client, edit)
    assert changes_between(configuration.client, after) == ()
    assert needed_bump(configuration.client, after) == "patch"


def test_a_bump_raises_its_part_of_the_version_and_resets_the_lower_ones() -> None:
    assert [bumped("7.2.3", bump) for bump in ("patch", "minor", "major")] == ["7.2.4", "7.3.0", "8.0.0"]
    assert moved_far_enough("7.2.3", "8.0.0", "minor")
    assert moved_far_enough("7.9.0", "7.10.0", "minor")
    assert not moved_far_enough("7.2.3", "7.2.4", "minor")
    assert not moved_far_enough("7.2.3", "7.2.3", "patch")
    assert not moved_far_enough("7.2.3", "7.1.9", "patch")
