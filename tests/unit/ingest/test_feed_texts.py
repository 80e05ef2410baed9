"""Texts of feeds, each by its type, in feeds that are well-formed and in broken ones."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest

from vectora_core.ingest.entries import Entry
from vectora_core.ingest.feed_text import text_of
from vectora_core.ingest.feeds import parse_feed
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

SOURCE = Source(
    source_key="test__source", source_type="press_sector", ingestion_mode="rss", url="https://news.example.com/"
)
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'
NAMESPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def read(body: str) -> Entry:
    return parse_feed(body.encode(), SOURCE, SOURCE.url, None, date(2026, 1, 30)).entries[0]


@pytest.fixture(params=["", "<unclosed>"], ids=["well-formed", "broken"])
def tail(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def atom(entry: str, tail: str) -> Entry:
    return read(f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id>{entry}</entry>{tail}</feed>')


def rss(item: str, tail: str) -> Entry:
    return read(f'<rss version="2.0" {NAMESPACES}><channel><item>{item}</item>{tail}</channel></rss>')


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("<title>IgG1&lt;IgG4 in serum</title>", "IgG1<IgG4 in serum"),
        ('<title type="text">The tag &lt;body&gt; &amp;amp; others</title>', "The tag <body> &amp; others"),
        ('<title type="html">&lt;5 weeks to &lt;em&gt;approval&lt;/em&gt;</title>', "<5 weeks to approval"),
        ('<title type="html">B&amp;amp;O licenses &lt;b&gt;depot&lt;/b&gt;</title>', "B&O licenses depot"),
        ('<title type="html">IgG1&lt;IgG4 in serum</title>', "IgG1<IgG4 in serum"),
        ('<title type="html"><![CDATA[n < 40, <i>in vitro</i>]]></title>', "n < 40, in vitro"),
        (
            f'<title type="xhtml">{XHTML}Tag <em>name</em> &lt;em&gt;, IgG1&lt;IgG4</div></title>',
            "Tag name <em>, IgG1<IgG4",
        ),
        ('<title type="xhtml">&lt;p&gt;Escaped&lt;/p&gt;</title>', "Escaped"),
    ],
)
def test_an_atom_title_is_read_by_its_type(title: str, text: str, tail: str) -> None:
    assert atom(title, tail).title == text


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("<summary>dose &lt;b&gt; and p&lt;0.01</summary>", "dose <b> and p<0.01"),
        ('<content type="text/plain">&lt;p&gt;No markup&lt;/p&gt;</content>', "<p>No markup</p>"),
        ('<content type="html">&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;</content>', "One\nTwo"),
        (
            f'<content type="xhtml">{XHTML}<p>One</p><pre>see &lt;stdio.h&gt;</pre></div></content>',
            "One\nsee <stdio.h>",
        ),
    ],
)
def test_an_atom_text_is_read_by_its_type(element: str, text: str, tail: str) -> None:
    assert atom(f"<title>t</title>{element}", tail).content == text


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("<title>IgG1&lt;IgG4 in serum</title>", "IgG1<IgG4 in serum"),
        ("<title>IgG1&amp;lt;IgG4 in serum</title>", "IgG1<IgG4 in serum"),
        ("<title><![CDATA[Sweden&#8217;s IgG1<IgG4 &amp; more]]></title>", "Sweden\u2019s IgG1<IgG4 & more"),
        ("<title>Intent to drop &lt;a&gt; for &lt;area&gt;</title>", "Intent to drop <a> for <area>"),
        ("<title>H&lt;sub&gt;2&lt;/sub&gt;O</title>", "H2O"),
        ("<title>Line&lt;br&gt;break</title>", "Line break"),
        ("<title>B&amp;amp;O</title>", "B&O"),
        ("<title>B&amp;O and Q&A with R&D</title>", "B&O and Q&A with R&D"),
        ("<title>Sweden&amp;#8217;s and Norway&amp;amp;#8217;s</title>", "Sweden\u2019s and Norway\u2019s"),
        ('<media:title type="plain">IgG1&lt;IgG4</media:title>', "IgG1<IgG4"),
        ('<media:title type="html">&lt;b&gt;Bold&lt;/b&gt; words</media:title>', "Bold words"),
        ("<dc:title>IgG1&lt;IgG4</dc:title>", "IgG1<IgG4"),
        ("<title>n&lt;m and o&gt;p</title>", "n<m and o>p"),
        ("<title>&lt;New&gt; depot</title>", "<New> depot"),
    ],
)
def test_an_rss_title_is_html_only_if_it_looks_so(title: str, text: str, tail: str) -> None:
    assert rss(title, tail).title == text


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("<description>a&lt;b and b&gt;c &lt;p&gt;x&lt;/p&gt;</description>", "a<b and b>c\nx"),
        ("<description>&lt;![CDATA[some &lt;b&gt;text&lt;/b&gt;]]&gt;</description>", "some text"),
        ("<description>IgG1&lt;IgG4 in serum</description>", "IgG1<IgG4 in serum"),
        ("<description><![CDATA[<p>p<0.05, IgG1<IgG4 & more</p>]]></description>", "p<0.05, IgG1<IgG4 & more"),
        ("<description>Ask &lt;ann@example.org&gt; now</description>", "Ask <ann@example.org> now"),
        ('<description>Cut &lt;a href="https://example.o</description>', "Cut"),
        ("<description>&lt;o:p&gt;x&lt;/o:p&gt; &lt;italic&gt;y&lt;/italic&gt;</description>", "x y"),
        ("<description>&lt;my-tag&gt;z&lt;/my-tag&gt;</description>", "z"),
        (
            "<content:encoded><![CDATA[<p>The tag &lt;body&gt; and &amp;#8217;</p>]]></content:encoded>",
            "The tag <body> and \u2019",
        ),
    ],
)
def test_an_rss_text_keeps_what_is_no_markup(element: str, text: str, tail: str) -> None:
    assert rss(f"<title>t</title>{element}", tail).content == text


@pytest.mark.parametrize("bad", ["\x1e", "&#8;", "&#xB;", "&#xD800;", "\ufffe"])
def test_characters_that_xml_forbids_do_not_break_a_feed(bad: str) -> None:
    body = f"<rss><channel><item><title>One{bad} two</title></item><item><title>Next</title></item></channel></rss>"
    extraction = parse_feed(body.encode("utf-8", "surrogatepass"), SOURCE, SOURCE.url, None, date(2026, 1, 30))

    assert [entry.title for entry in extraction.entries] == ["One two", "Next"]
    assert extraction.problem is None


@pytest.mark.parametrize("piece", ["<a", "</x>", "<x y", "<b ", "&amp;", "<![CDATA[", "<x-y:z", "<q a='"])
def test_a_text_made_to_take_long_is_read_or_refused(piece: str) -> None:
    with contextlib.suppress(VectoraError):
        assert len(text_of(piece * 100_000, "text/html", is_atom=False)) <= len(piece) * 100_000
