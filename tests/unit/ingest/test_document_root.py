"""Kind of a document, by its root element, also behind other text."""

from __future__ import annotations

import pytest

from vectora_core.ingest.document_root import find_root

WARNING = "<br />\n<b>Warning</b>: cannot open cache in <b>/srv/feed.php</b> on line <b>7</b><br />\n"


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\ufeff \n",
        "<?xml version='1.0'?><!-- <html> is > not the root -->",
        "<?xml version='1.0'?><?xml-stylesheet href='a.xsl'?><?note > <html> ?>",
        "<!DOCTYPE rss PUBLIC '-//x//DTD' 'http://x.example' [<!ENTITY copy '<html>'>]>\n",
        f"{WARNING}<?xml version='1.0'?>",
        f"<font size='1'><table class='xdebug'><tr><td>{WARNING}<td>x</tr></table></font>",
        "Notice: Undefined index: id\n",
        "<script>var page = '<html>'</script>",
        f"<!--{'x' * 9000}-->",
    ],
)
@pytest.mark.parametrize("name", ["rss", "RSS", "feed", "atom:feed", "rdf:RDF"])
def test_a_feed_is_found_behind_what_servers_write_before_it(before: str, name: str) -> None:
    root = find_root(f"{before}<{name} version='2.0'><title><![CDATA[<!doctype html><html>]]></title></{name}>")

    assert (root.kind, root.name, root.start) == ("feed", name, len(before))


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html><title>Feeds</title><pre><rss version='2.0'></pre>",
        "<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x' 'y'><html><body><rss></body></html>",
        "<!-- <rss> --><html>",
        "<div><pre><rss></rss></pre></div>",
        "<p>Copy this:<textarea><rss></textarea>",
        '<p title="<rss>">Title</p>',
        "<head><script>'<feed>'</script></head>",
        "<meta charset=utf-8><rss>",
        "<p>No feed at all",
    ],
)
def test_a_page_that_shows_a_feed_is_a_page(page: str) -> None:
    assert find_root(page).kind == "html"


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("<?xml version='1.0'?><sitemapindex xmlns='x'><rss>", "other", "sitemapindex"),
        ("<opml version='2.0'><body>", "other", "opml"),
        ("<soap:Envelope><feed>", "other", "soap:Envelope"),
        ('\ufeff {"version": "https://jsonfeed.org/version/1.1", "items": [{"content_html": "<rss>"}]}', "json", ""),
        ('[{"title": "<feed>"}]', "json", ""),
        ("Service unavailable", "none", ""),
        ("", "none", ""),
    ],
)
def test_other_documents_are_told_apart(text: str, kind: str, name: str) -> None:
    root = find_root(text)

    assert (root.kind, root.name) == (kind, name)


@pytest.mark.parametrize(
    "piece", ["<b 'x", "<!doctype x [", "<script>", "<script></script>", "<?x ", "<!--", "<b a='", "<![CDATA["]
)
def test_a_document_made_to_take_long_is_decided_at_once(piece: str) -> None:
    assert find_root(piece * 50_000).kind in ("html", "none")
