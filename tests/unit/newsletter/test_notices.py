"""Corrections replace what they correct, withdrawn news is not shown, and issues name what earlier ones had wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.unit.newsletter.curated_items import curated
from tests.unit.newsletter.test_also_reported import publish_items
from vectora_core.items import CuratedItem
from vectora_core.newsletter.selection import select
from vectora_core.text.rubrics import notice_of, without_rubrics
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import FolderContent

WRONG = "FDA approves monthly depot of Camurus"
RIGHT = "Correction: FDA accepts filing for monthly depot of Camurus, has not approved it"
GONE = "Withdrawn: FDA approves monthly depot of Camurus"
URL = "https://paper.example/other"
OTHER = "Nanexa licenses PharmaShell to Moderna"


def version(title: str, **changes: Any) -> CuratedItem:
    return curated(title, guid="paper-1", url=f"https://paper.example/{len(title)}", **changes)


def shown(document: dict[str, Any]) -> dict[str, Any]:
    return {item["title"]: item["notice"] for section in document["sections"] for item in section["items"]}


def test_a_correction_replaces_what_it_corrects(configuration: Configuration) -> None:
    wrong, right = version(WRONG, score=40, content="It was approved. " * 20), version(RIGHT)
    selection = select([wrong, right], configuration.client)
    assert [item.title for item in selection.items] == [RIGHT]
    assert selection.duplicates == {wrong.item_id: right.item_id}
    assert selection.also_reported == {}


@pytest.mark.parametrize(
    "title", [GONE, "[Retracted] FDA approves monthly depot of Camurus", "WITHDRAWN-News of Camurus"]
)
def test_withdrawn_news_is_not_selected(configuration: Configuration, title: str) -> None:
    selection = select([version(WRONG), version(title), curated(OTHER)], configuration.client)
    assert [item.title for item in selection.items] == [OTHER]
    assert len(selection.withdrawn) == 2


def test_an_item_whose_text_says_that_it_was_withdrawn_is_not_selected(configuration: Configuration) -> None:
    items = [curated(WRONG, content="This article has been withdrawn by the publisher."), curated(OTHER, url=URL)]
    assert [item.title for item in select(items, configuration.client).items] == [OTHER]


def test_a_withdrawal_after_publication_is_shown_as_such(data: Any, newsletters: Any, content: FolderContent) -> None:
    first, _ = publish_items(data, newsletters, content, version(WRONG), day="2026/02/01")
    assert shown(first) == {WRONG: None}
    # It matches no watch domain, but readers were told otherwise.
    second, manifest = publish_items(data, newsletters, content, version(GONE, matched=False), curated(OTHER))
    assert shown(second) == {GONE: "withdrawal", OTHER: None}
    assert (
        "Withdrawn by its source · Fierce Pharma"
        in newsletters.objects["lai_weekly/2026/02/02/newsletter.txt"].decode()
    )
    assert list(manifest["notices"].values()) == ["withdrawal"]
    third, _ = publish_items(data, newsletters, content, curated("Peptron sells depot plant"), day="2026/02/03")
    assert GONE not in shown(third)


def test_a_correction_after_publication_is_shown_as_such(data: Any, newsletters: Any, content: FolderContent) -> None:
    publish_items(data, newsletters, content, version(WRONG), day="2026/02/01")
    second, _ = publish_items(data, newsletters, content, version(RIGHT))
    assert shown(second) == {RIGHT: "correction"}


def test_a_new_wording_without_a_mark_does_not_appear_again(
    data: Any, newsletters: Any, content: FolderContent
) -> None:
    publish_items(data, newsletters, content, version(WRONG), day="2026/02/01")
    second, _ = publish_items(data, newsletters, content, version("Why the Swedes will win: monthly depot is through"))
    assert shown(second) == {}


def test_news_of_a_coming_day_waits_for_its_issue(data: Any, newsletters: Any, content: FolderContent) -> None:
    early = curated(WRONG, published=date(2026, 2, 9))
    tomorrow = curated(OTHER, published=date(2026, 2, 3))
    first, manifest = publish_items(data, newsletters, content, early, tomorrow)
    assert shown(first) == {OTHER: None}
    assert manifest["held_back"] == [early.item_id]
    assert "1 item is of a coming day: it is held back until then." in manifest["warnings"]
    second, _ = publish_items(data, newsletters, content, curated("Peptron sells depot plant"), day="2026/02/09")
    assert WRONG in shown(second)


@pytest.mark.parametrize(
    ("title", "notice", "bare"),
    [
        ("Correction: Camurus interim report", "correction", "Camurus interim report"),
        ("CORRECTED-Camurus wins approval", "correction", "Camurus wins approval"),
        ("Rättelse: Camurus får godkännande", "correction", "Camurus får godkännande"),
        ("Rättelse av pressmeddelande: Camurus får rätt", "correction", "Camurus får rätt"),
        ("Rectificatif : MedinCell signe", "correction", "MedinCell signe"),
        ("Camurus wins approval (Corrected)", "correction", "Camurus wins approval"),
        ("Press Release: Correction: Camurus wins", "correction", "Camurus wins"),
        ("Erratum to: Depot study", "correction", "Depot study"),
        ("RETRACTED ARTICLE: Depot study", "withdrawal", "Depot study"),
        ("Återkallat: Camurus får rätt", "withdrawal", "Camurus får rätt"),
        ("Teva withdraws its filing", None, "Teva withdraws its filing"),
        ("News-driven rally", None, "News-driven rally"),
        ("Exclusive collaboration: Camurus and Lilly", None, "Exclusive collaboration: Camurus and Lilly"),
        ("Press Release", None, "Press Release"),
    ],
)
def test_the_marks_of_a_headline_are_read_and_removed(title: str, notice: str | None, bare: str) -> None:
    assert (notice_of(title), without_rubrics(title)) == (notice, bare)
