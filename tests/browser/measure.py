"""Width, contrast and colours of a page, as Chromium lays it out."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from tests.browser.browser import Network, opened

# Contrast of each text with what is painted behind it, as WCAG 2.2 defines it, and the width of the page.
MEASURE = """<script>
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const linear = value => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const luminance = color => 0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2]);
const behind = node => {
  for (; node; node = node.parentElement) {
    const color = rgb(getComputedStyle(node).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const low = [];
let texts = 0;
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || node.tagName === 'SCRIPT') continue;
  texts += 1;
  const pair = [luminance(rgb(getComputedStyle(node).color)), luminance(behind(node))].sort((a, b) => b - a);
  const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
  if (contrast < 4.5) low.push(walker.currentNode.data.trim() + ' ' + contrast.toFixed(2));
}
const page = document.documentElement;
top.found = [...(top.found || []), {
  width: innerWidth, scrolls: page.scrollWidth > innerWidth, low, texts,
  background: getComputedStyle(document.body).backgroundColor,
}];
top.document.title = JSON.stringify(top.found);
</script></body>"""


def measured(network: Network, page: str, profile: Path, *, width: int, dark: bool) -> dict[str, object]:
    """Return the measures of a page in a window of that width; no request may have been made."""
    [found] = measured_at(network, page, profile, widths=(width,), dark=dark)
    return found


def measured_at(
    network: Network, page: str, profile: Path, *, widths: Sequence[int], dark: bool
) -> list[dict[str, object]]:
    """Return the measures at several widths, in their order."""
    page = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", page).replace("</body>", MEASURE)
    # A frame may be narrower than the browser's window.
    frames = (
        f'<iframe srcdoc="{html.escape(page)}" style="width:{width}px;height:4000px;border:0"></iframe>'
        for width in widths
    )
    window = f"<!DOCTYPE html><title></title><body style='margin:0'>{''.join(frames)}</body>"
    document = LexborHTMLParser(opened(network, window, profile, width=max(widths) + 100, dark=dark))
    title = document.css_first("title")
    assert title is not None
    found: list[dict[str, object]] = json.loads(title.text())
    assert network.unexpected == []
    return sorted(found, key=lambda each: widths.index(int(str(each["width"]))))
