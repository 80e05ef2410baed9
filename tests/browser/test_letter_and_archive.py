"""The letter and the archive in a real browser: width, contrast and languages, light and dark."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.browser.browser import Network
from tests.browser.measure import measured
from tests.unit.conftest import MemoryBucket
from tests.unit.newsletter.letters import DAY, issue, item
from vectora_core.newsletter.archive import write_archive
from vectora_core.newsletter.formats import as_html
from vectora_core.newsletter.issue import Issue


def letter(language: str) -> Issue:
    long = {"headline": "Verlängerung der Zulassung eines Depotpräparates " * 3, "url": "https://example.org/long"}
    return issue(item(0, **long), *(item(number) for number in range(1, 6)), language=language, draft=True)


def archive_page(language: str) -> str:
    bucket = MemoryBucket("newsletters")
    for week in range(5):
        folder = f"lai_weekly/{DAY + timedelta(weeks=week):%Y/%m/%d}"
        bucket.write_json(f"{folder}/newsletter.json", letter(language).document())
        for name in ("newsletter.html", "newsletter.txt", "newsletter.md", "manifest.json"):
            bucket.write(f"{folder}/{name}", b"{}", "text/plain")
    write_archive(bucket, "lai_weekly", "LAI Weekly", language, None)  # type: ignore[arg-type]
    return bucket.objects["lai_weekly/index.html"].decode("utf-8")


@pytest.mark.parametrize("width", [390, 700, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_text_of_a_letter_is_readable_at_every_width(
    network: Network, tmp_path: Path, width: int, dark: bool, language: str
) -> None:
    found = measured(network, as_html(letter(language)), tmp_path, width=width, dark=dark)
    assert (found["width"], found["scrolls"], found["low"]) == (width, False, [])
    assert int(str(found["texts"])) > 40
    assert found["background"] == ("rgb(16, 22, 27)" if dark else "rgb(243, 245, 247)")


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_every_text_of_the_archive_is_readable(network: Network, tmp_path: Path, width: int, dark: bool) -> None:
    found = measured(network, archive_page("fr"), tmp_path, width=width, dark=dark)
    assert (found["width"], found["scrolls"], found["low"]) == (width, False, [])


def test_a_text_without_contrast_and_a_wide_page_are_noticed(network: Network, tmp_path: Path) -> None:
    """Show that the tests above can fail."""
    page = (
        '<!DOCTYPE html><title></title><body style="background:#fff"><p style="color:#999;width:900px">low</p></body>'
    )
    found = measured(network, page, tmp_path, width=390, dark=False)
    assert (found["low"], found["scrolls"]) == (["low 2.85"], True)
