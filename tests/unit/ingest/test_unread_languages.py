"""A source whose news is in a language that the lexicon does not read says so in its report."""

from __future__ import annotations

import pytest

from tests.unit.ingest import json_apis as apis
from tests.unit.ingest.test_json_runs import collect
from vectora_core.text.languages import unread_remark

KOREAN = "\uc7a5\uae30\uc9c0\uc18d\ud615 \uc8fc\uc0ac\uc81c \ud488\ubaa9\ud5c8\uac00 depot"


def test_the_report_of_a_source_counts_items_in_another_script() -> None:
    answer = {"studies": [apis.study("NCT1", KOREAN), apis.study("NCT2", "A depot study")]}
    report, items = collect(apis.TRIALS, answer)
    assert report.status == "ok"
    assert report.message.startswith("Language not read: 1 of 2 items")
    assert len(items) == 2


def test_the_report_of_a_source_in_another_language_counts_all_its_items() -> None:
    source = apis.TRIALS.model_copy(update={"language": "pl"})
    report, _ = collect(source, {"studies": [apis.study("NCT1", "Lek depot dopuszczony")]})
    assert "Language not read: 1 of 1 items" in report.message


@pytest.mark.parametrize(
    "title",
    [
        "L\u00e5ngverkande injektion godk\u00e4nd",
        "Traitement \u00e0 action prolong\u00e9e",
        "\uff35\uff3a\uff25\uff24\uff39 approved",
        "PT403 \u03b2-blocker \uc7a5",
        "2026: 40 %",
    ],
)
def test_titles_in_latin_letters_are_read(title: str) -> None:
    assert unread_remark("sv", [title]) is None


def test_a_source_without_items_has_no_remark() -> None:
    assert unread_remark("ko", []) is None
