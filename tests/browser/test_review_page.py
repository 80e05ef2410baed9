"""The page of a review in a real browser: readable at two widths, light and dark, searchable, and without a request."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from benchmarks.review_cases import load_cases
from change_review.architecture import Architecture, Edge, Node
from change_review.page import page_of
from change_review.review import Limits, review_templates
from tests.browser.browser import Network, opened
from tests.browser.measure import measured_at

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOSTILE = '"><script>document.title = "ran"</script><img src=http://evil.test/x onerror=alert(1)>'
TYPED = """<script>
const typed = document.getElementById("find");
typed.value = "versioningconfiguration";
typed.dispatchEvent(new Event("input"));
const left = [...document.querySelectorAll("tbody tr")].filter(row => !row.hidden);
document.title = JSON.stringify({
  shown: left.length,
  fits: left.every(row => row.textContent.toLowerCase().includes("versioningconfiguration")),
  says: document.getElementById("found").textContent,
  open: left.every(row => !row.closest("details") || row.closest("details").open),
  field: !document.getElementById("search").hidden,
});
</script></body>"""


def _page() -> str:
    """Return a page with every kind of finding, and a name that tries to become markup."""
    before: dict[str, bytes] = {}
    after: dict[str, bytes] = {}
    for number, case in enumerate(load_cases()):
        for side, body in zip((before, after), case.bodies, strict=True):
            side[f"prod/s{number}.yaml"] = next(iter(body.values()))
    for side, name in ((before, "plain"), (after, HOSTILE)):
        resource = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
        side["prod/hostile.yaml"] = json.dumps({"Resources": {"Store": resource}}).encode("utf-8")
    nodes = (
        Node(name=HOSTILE, kind="bucket", stack="s", is_changed=True),
        Node(name="maker", kind="function", stack="s"),
    )
    architecture = Architecture(nodes=nodes, edges=(Edge(source="maker", verb="writes", target=HOSTILE),))
    return page_of(review_templates(before, after, Limits(today=date(2026, 11, 26))), NOW, architecture)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_review_is_readable_without_scrolling_sideways_and_requests_nothing(
    network: Network, tmp_path: Path, dark: bool
) -> None:
    page = _page().replace("<details>", "<details open>")
    for found in measured_at(network, page, tmp_path, widths=(360, 1280), dark=dark):
        assert (found["scrolls"], found["low"]) == (False, [])


def test_hostile_names_run_nothing_and_request_nothing(network: Network, tmp_path: Path) -> None:
    shown = LexborHTMLParser(opened(network, _page(), tmp_path))

    title = shown.css_first("title")
    assert title is not None
    assert title.text() == "Review of a change"
    assert not shown.css("img[src^=http]")


def test_a_search_leaves_the_rows_with_its_text_and_opens_their_parts(network: Network, tmp_path: Path) -> None:
    page = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", _page()).replace("</body>", TYPED)

    title = LexborHTMLParser(opened(network, page, tmp_path)).css_first("title")

    assert title is not None
    found = json.loads(title.text())
    assert 0 < found["shown"] < 20
    assert (found["fits"], found["open"], found["field"]) == (True, True, True)
    assert found["says"].startswith(f"{found['shown']} of ")
