"""Notices that an authority publishes under one title and day."""

from __future__ import annotations

from collections.abc import Sequence

from tests.unit.ingest.test_ingest_runs import FEED, Workshop, workshop

__all__ = ["workshop"]
NORTH = "Capsules of firm one are out of stock in the north until January."
SOUTH = "Syringes of firm two can be bought again in all pharmacies."


def publish(workshop: Workshop, texts: Sequence[str]) -> None:
    items = "".join(
        f"<item><title>Supply of medicines</title><link>{FEED}/show?id={len(text)}</link>"
        f"<description>{text}</description><pubDate>2026-01-20</pubDate></item>"
        for text in texts
    )
    workshop.web.pages[FEED] = f"<rss><channel>{items}</channel></rss>".encode()


def test_each_notice_has_an_id_of_its_own_in_every_order_of_runs(workshop: Workshop) -> None:
    found = []
    for texts in ([NORTH], [SOUTH, NORTH], [NORTH, SOUTH]):
        publish(workshop, texts)
        workshop.run()
        notices = [item for item in workshop.items() if item["title"] == "Supply of medicines"]
        found.append({item["content"]: item["item_id"] for item in notices})

    assert found[0] == {NORTH: found[1][NORTH]}
    assert found[1] == found[2]
    assert len(set(found[2].values())) == 2
