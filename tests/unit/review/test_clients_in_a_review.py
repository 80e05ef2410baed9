"""Clients in a review: what a newsletter would show differently, with the engine's own code and no connection."""

from __future__ import annotations

from tests.unit.review.conftest import Checkout

CANARY = "config/clients/canary.yaml"


def test_a_client_without_a_change_is_not_in_the_review(checkout: Checkout) -> None:
    checkout.replace("config/environments.yaml", "soak_days: 14", "soak_days: 15")

    assert checkout.review().clients == ()


def test_a_stricter_selection_shows_which_items_go_on_the_sample_news(checkout: Checkout) -> None:
    checkout.replace(CANARY, "max_items_total: 5", "max_items_total: 1")
    checkout.replace(CANARY, 'version: "1.1.0"', 'version: "2.0.0"')

    [client] = checkout.review().clients

    assert (client.client_id, client.version_before, client.version_after) == ("canary", "1.1.0", "2.0.0")
    assert client.news == "the canary's sample news"
    assert any("newsletter_selection.max_items_total: 5 -> 1" in each for each in client.changes)
    assert any(each.startswith("goes: ") for each in client.newsletter)


def test_a_client_that_is_removed_or_unreadable_is_named(checkout: Checkout) -> None:
    (checkout.root / "config/clients/lai_weekly.yaml").unlink()
    checkout.replace(CANARY, "frequency: daily", "frequency: hourly")

    clients = {each.client_id: each for each in checkout.review().clients}

    assert clients["lai_weekly"].changes == ("its file is removed",)
    assert clients["canary"].changes[0].startswith("this release cannot read it: ")
