"""From news pages of many styles, exactly their entries are read."""
# ruff: noqa: E501 - lines of mark-up are as long as on real pages

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from vectora_core.ingest.entries import Entry, Extraction
from vectora_core.ingest.pages import parse_page
from vectora_shared.config.sources import HtmlSelectors, Source
from vectora_shared.errors import ConfigurationError, VectoraError

TODAY = date(2026, 1, 30)
URL = "https://news.example.com/en/news/"
HEADER = """
<header><a href="/"><img src="logo.png"></a><nav><ul><li><a href="/about">About our company and its people</a></li>
<li><a href="/technology">Our long-acting technology platform</a></li></ul></nav></header>
<div id="cookie-banner"><p>We use cookies, as of 1 January 2025. <a href="/cookies">Read our cookie policy here</a></p></div>
"""
FOOTER = """
<div class="pagination"><a href="/en/news/page/2/">2</a> <a href="?page=3">Older posts can be found here</a></div>
<footer><h4>Contact</h4><a href="/privacy">Privacy policy and terms of use</a> 1 January 2024</footer>
"""
TITLES = (
    "Nordika receives approval for its weekly injection",
    "Nordika publishes interim report for January-September 2025",
    "Nordika and Solvia enter into a license agreement in Q4 2025",
)
DAYS = (date(2025, 12, 9), date(2025, 11, 6), date(2025, 10, 15))
Row = Callable[[int, str, date], str]


def source(**options: object) -> Source:
    return Source.model_validate(
        {
            "source_key": "press_corporate__nordika",
            "source_type": "press_corporate",
            "ingestion_mode": "html",
            "url": URL,
            **options,
        }
    )


def read(body: str, **options: object) -> Extraction:
    page = (
        f"<!doctype html><html><head><title>News</title></head><body>{HEADER}<main><h1>News</h1>{body}</main>{FOOTER}"
    )
    return parse_page(page.encode(), source(**options), URL, None, TODAY)


def rows(row: Row) -> str:
    return "".join(row(index, title, day) for index, (title, day) in enumerate(zip(TITLES, DAYS, strict=True)))


def english(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


STYLES: dict[str, Row] = {
    "articles of a blog": lambda i, title, day: (
        f'<article class="post-{i} post"><header><h2><a href="/n/{i}" rel="bookmark">{title}</a></h2><span class="posted-on">'
        f'Posted on <a href="/n/{i}"><time class="published" datetime="{day}T10:00:00+00:00">{english(day)}</time></a></span>'
        f'<span class="byline"> by <a href="/author/jd">Jane Q. Doe</a></span></header><p>With <a href="https://solvia.example/">'
        f'a partner called Solvia</a> inside. <a href="/n/{i}">Continue reading</a></p>'
        '<footer>Filed under <a href="/category/news/">News of all the kinds</a></footer></article>'
    ),
    "hidden time stamps and an author glued to them": lambda i, title, day: (
        f'<article><h2 class="entry-title"><a href="/n/{i}">{title}</a></h2><p><span class="vcard"><a href="/author/jd/">Jane Doe'
        f'</a></span><span class="updated" style="display:none">{day}T11:33:54+02:00</span><span>{english(day)}</span>'
        f'<span class="sep">|</span></p><a href="/n/{i}">Read More</a></article>'
    ),
    "dates glued to titles, twice": lambda i, title, day: (
        f'<div><a href="/n/{i}">{title}{english(day)}{english(day)}</a></div>'
    ),
    "dates in spans beside titles": lambda i, title, day: (
        f'<li><a href="/n/{i}">{title}<span>{english(day)}</span></a><span>{english(day)}</span></li>'
    ),
    "a news agency's list with attachments": lambda i, title, day: (
        f'<div class="mfn-item"><div>{day.day} {day:%B}, {day.year}</div><div class="mfn-title"><a href="/n/{i}">{title}</a></div>'
        f'<div>The agreement covers many things.</div><a href="/n/{i}">READ MORE</a>'
        f'<a href="https://storage.example/{i}.pdf">Download attachment</a></div>'
    ),
    "a link around each card": lambda i, title, day: (
        f'<a class="card" href="/n/{i}"><div class="tag">Press release</div><time datetime="{day}T08:00">x</time>'
        f"<div>{title}</div><div>Some words about this news.</div><span>Read more \u2192</span></a>"
    ),
    "date, category and title side by side": lambda i, title, day: (
        f'<a href="/n/{i}"><span class="date">{day} 08:00 CET</span><span>Regulatory</span><span>{title}</span></a>'
    ),
    "a Korean board": lambda i, title, day: (
        f'<table><tr><td>{i}</td><td class="td_subject"><a href="/n/{i}">{title}<span class="cnt">3</span></a></td>'
        f"<td>admin</td><td>{day:%Y.%m.%d}</td><td>55</td></tr></table>"
    ),
    "rows that lead on by script": lambda i, title, day: (
        f"<table><tr onclick=\"location.href='/n/{i}'\"><td>{title}</td><td>{day}</td></tr></table>"
    ),
    "calendar leaves": lambda i, title, day: (
        f'<div class="row"><div><span>{day.day}</span><span>{day:%b}</span><span>{day.year}</span></div>'
        f'<div><a href="/n/{i}">{title}</a></div></div>'
    ),
    "titles that are no links": lambda i, title, day: (
        f'<div class="card"><h3>{title}</h3><p class="meta">{english(day)}</p><div><a href="/n/{i}">Read the press release</a>'
        f'<a href="/fr/{i}.pdf">French version (PDF, 12 KB)</a></div></div>'
    ),
    "nested boxes of a page builder": lambda i, title, day: (
        f'<div class="e"><div class="w"><div class="c"><h5>{title}</h5></div></div><div class="w"><ul><li><span></span>'
        f'<span>{english(day)}</span></li></ul></div><div class="w"><a class="button" href="/n/{i}"><span>Learn more</span></a>'
        "</div></div>"
    ),
    "cut titles": lambda i, title, day: f'<li><a href="/n/{i}" title="{title}">{title[:30]}...</a> <em>{day}</em></li>',
    "dates at the beginning of titles": lambda i, title, day: f'<li><a href="/n/{i}">{english(day)}: {title}</a></li>',
    "bylines that are links": lambda i, title, day: (
        f'<article><h3><a href="/n/{i}">{title}</a></h3><div class="byline">By <a href="/person/x">Jane Quirk Doe</a></div>'
        f"<span>{day:%b} {day.day}, {day.year} 08:00am</span></article>"
    ),
    "long category links": lambda i, title, day: (
        f'<div class="c"><a href="/news/lai">Long acting injectables platform</a><a href="/n/{i}">{title}</a><i>{day}</i></div>'
    ),
    "a source and time line": lambda i, title, day: (
        f'<div class="pr"><a href="/n/{i}">{title}</a><div>{day:%B} {day:%d}, {day.year} 02:00 ET | Source: Nordika AB</div></div>'
    ),
    "a dateline": lambda i, title, day: (
        f'<div class="pr"><h4><a href="/n/{i}">{title}</a></h4><p>Lund, Sweden \u2014 {day.day} {day:%B} {day.year} \u2014 Nordika'
        " today reported on the period ended September 30, 2025.</p></div>"
    ),
    "flat, dates before titles": lambda i, title, day: (
        f'<p class="x">{english(day)}</p><h3><a href="/n/{i}">{title}</a></h3><p>Some words about this.</p>'
    ),
    "flat, dates after titles": lambda i, title, day: (
        f'<h3><a href="/n/{i}">{title}</a></h3><p class="x">{english(day)}</p><p>Some words about this.</p>'
    ),
    "bare lines": lambda i, title, day: f'{english(day)} - <a href="/n/{i}">{title}</a><br>',
    "a definition list": lambda i, title, day: f'<dt>{english(day)}</dt><dd><a href="/n/{i}">{title}</a></dd>',
    "date headings": lambda i, title, day: f'<h3>{english(day)}</h3><ul><li><a href="/n/{i}">{title}</a></li></ul>',
}


@pytest.mark.parametrize("style", STYLES)
def test_each_entry_of_a_page_is_found_with_its_own_title_date_and_address(style: str) -> None:
    extraction = read(rows(STYLES[style]))

    assert [entry.title for entry in extraction.entries] == list(TITLES)
    assert [entry.published for entry in extraction.entries] == list(DAYS)
    assert [entry.url for entry in extraction.entries] == [f"https://news.example.com/n/{i}" for i in range(3)]
    for entry in extraction.entries:
        assert not any(title in entry.content for title in TITLES)
        assert "Read more" not in entry.content
        assert "attachment" not in entry.content
    assert extraction.problem is None


def test_the_text_of_an_entry_separates_blocks_and_excludes_author_and_date() -> None:
    [entry, _, _] = read(rows(STYLES["articles of a blog"])).entries

    assert entry.author == "Jane Q. Doe"
    assert entry.content == "With a partner called Solvia inside."
    assert read(
        "<article><h2><a href=/n>One title of news</a></h2><p>First words are here.</p><p>Then these words come.</p>"
        "<time datetime=2025-12-09></time></article>"
    ).entries[0].content == ("First words are here.\nThen these words come.")


def test_dates_without_a_year_belong_to_the_year_in_the_heading_above() -> None:
    page = '<h2>2025</h2><ul><li>9 Dec <a href="/a">A first title of news</a></li></ul><h2>2024</h2><ul><li>Oct 7 <a href="/b">Older news than that</a></li></ul>'

    assert [entry.published for entry in read(page).entries] == [date(2025, 12, 9), date(2024, 10, 7)]


def test_ambiguous_dates_follow_the_pages_other_dates_or_stay_undated() -> None:
    def list_of(*days: str) -> str:
        return "".join(
            f'<li class="news"><a href="/{i}">Some title of news {i}</a> {day}</li>' for i, day in enumerate(days)
        )

    assert [entry.published for entry in read(list_of("15/12/2025", "03/04/2025")).entries] == [
        date(2025, 12, 15),
        date(2025, 4, 3),
    ]
    assert [entry.published for entry in read(list_of("05/12/2025", "03/04/2025")).entries] == [None, None]
    assert [entry.published for entry in read(list_of("05/12/2025", "03/04/2025"), date_format="%d/%m/%Y").entries] == [
        date(2025, 12, 5),
        date(2025, 4, 3),
    ]


def test_undated_news_stays_undated() -> None:
    entries = read(
        '<ul class="news-list"><li><a href="/a">A first title of news</a></li><li><a href="/b">A second title of news</a></li></ul>'
    ).entries

    assert [(entry.title, entry.published) for entry in entries] == [
        ("A first title of news", None),
        ("A second title of news", None),
    ]


def test_an_announced_event_of_the_future_is_of_its_day() -> None:
    entries = read(
        '<ul><li><i class="date">10 Dec 2027</i><a href="/a">Report for the year 2027</a></li>'
        '<li><i class="date">9 Dec 2025</i><a href="/b">A second title of news</a></li></ul>'
    ).entries

    assert [entry.published for entry in entries] == [date(2027, 12, 10), date(2025, 12, 9)]


def test_entries_without_links_have_the_address_of_the_page() -> None:
    entries = read(
        "<h3>A first title</h3><p>9 December 2025</p><p>All of its text.</p><h3>A second title</h3><p>6 November 2025</p>"
    ).entries

    assert [(entry.title, entry.published, entry.url) for entry in entries] == [
        ("A first title", date(2025, 12, 9), URL),
        ("A second title", date(2025, 11, 6), URL),
    ]


@pytest.mark.parametrize(
    "body",
    [
        '<div id="root"></div>',
        '<h2>Our technology</h2><div><h3><a href="/a">Our pipeline of products today</a></h3></div>'
        '<div><h3><a href="/b">Our management team and board</a></h3></div>',
    ],
)
def test_a_page_without_news_gives_no_entries(body: str) -> None:
    assert read(body).entries == ()


def test_selectors_define_entries_and_wrappers_of_several_entries_are_skipped() -> None:
    selectors = {"item": "div[class*=news]", "title": ".t", "link": "a.go", "date": ".d", "summary": ".s"}
    entry = '<div class="news-item"><b class="t">Title number {0}</b><i class="d">{0}.12.2025</i><p class="s">Words of {0} are here.</p><a href="/else">More about our platform</a><a class="go" href="/n/{0}">go</a></div>'
    body = f'<div class="news-list">{entry.format(7)}{entry.format(8)}</div>'

    assert read(body, selectors=selectors).entries == (
        Entry(
            title="Title number 7",
            url="https://news.example.com/n/7",
            content="Words of 7 are here.",
            published=date(2025, 12, 7),
        ),
        Entry(
            title="Title number 8",
            url="https://news.example.com/n/8",
            content="Words of 8 are here.",
            published=date(2025, 12, 8),
        ),
    )


def test_selectors_that_match_nothing_are_reported_and_the_page_is_read_without() -> None:
    extraction = read(rows(STYLES["a link around each card"]), selectors={"item": ".gone"})

    assert len(extraction.entries) == 3
    assert "selectors match no entry" in str(extraction.problem)


def test_an_invalid_selector_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'li\[\[' is not a CSS selector"):
        read("<p>x</p>", selectors={"item": "li[["})
    assert HtmlSelectors(item="li").title is None


def test_relative_addresses_follow_the_base_of_the_page() -> None:
    page = '<head><base href="https://cdn.example.com/x/"></head><article><h2><a href="n/1">One title of news</a></h2><time datetime="2025-12-09"></time></article>'

    assert parse_page(page.encode(), source(), URL, None, TODAY).entries[0].url == "https://cdn.example.com/x/n/1"


@pytest.mark.parametrize(
    ("encoding", "declared", "header"),
    [("utf-8", "iso-8859-1", None), ("cp949", "euc-kr", None), ("cp949", "", "euc-kr"), ("utf-16", "", None)],
)
def test_the_charset_is_recognised_even_when_the_page_declares_another(
    encoding: str, declared: str, header: str | None
) -> None:
    page = f'<meta charset="{declared}"><article><h2><a href="/n">펩트론 지속형 주사제 계약 체결</a></h2><time datetime="2025-12-09"></time></article>'

    extraction = parse_page(page.encode(encoding), source(), URL, header, TODAY)

    assert extraction.entries[0].title == "펩트론 지속형 주사제 계약 체결"


def test_an_empty_answer_is_an_error() -> None:
    with pytest.raises(VectoraError, match="page is empty"):
        parse_page(b" \n", source(), URL, None, TODAY)


def test_a_feed_at_a_pages_address_is_read_as_a_feed() -> None:
    feed = b"<rss><channel><item><title>A title</title><link>https://x.example/1</link></item></channel></rss>"

    assert parse_page(feed, source(), URL, None, TODAY).entries == (Entry(title="A title", url="https://x.example/1"),)
