"""The status page in a real browser: each state, two widths, light and dark, by keyboard, and without a request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.browser.browser import Network, opened
from tests.browser.measure import measured_at
from tests.unit.ops.pages.overviews import STATES
from vectora_ops.overview.model import Overview
from vectora_ops.pages.status import status_page

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><text y="20">noise</text></svg>'
# Opens what is folded as a key does; then each element that Tab reaches gets the focus, is visible and has an outline.
FOCUS = """<script>
const summaries = [...document.querySelectorAll('summary')];
summaries.forEach(node => node.click());
const able = [...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')];
const found = able.map(node => {
  node.focus({focusVisible: true});
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  return [document.activeElement === node, box.width > 0 && box.left >= 0, parseFloat(style.outlineWidth) >= 2];
});
document.title = JSON.stringify({
  focusable: able.length,
  failed: able.filter((node, at) => !found[at].every(Boolean)).map(node => node.outerHTML),
  opened: summaries.every(node => node.parentElement.open),
});
</script></body>"""


def _page(overview: Overview) -> str:
    return status_page(overview, dashboards={"dev": DRAWING})


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_each_state_is_readable_without_scrolling_sideways_and_requests_nothing(
    network: Network, tmp_path: Path, state: str, dark: bool
) -> None:
    page = _page(STATES[state]()).replace("<details>", "<details open>")
    for found in measured_at(network, page, tmp_path, widths=(360, 1280), dark=dark):
        assert (found["scrolls"], found["low"]) == (False, [])
        assert found["background"] == ("rgb(16, 22, 27)" if dark else "rgb(243, 245, 247)")


def test_everything_that_can_be_used_has_a_visible_focus(network: Network, tmp_path: Path) -> None:
    page = _page(STATES["alarm"]()).replace("Content-Security-Policy", "x").replace("</body>", FOCUS)
    title = LexborHTMLParser(opened(network, page, tmp_path)).css_first("title")
    assert title is not None
    found = json.loads(title.text())
    assert found["focusable"] > 3
    assert (found["failed"], found["opened"]) == ([], True)
