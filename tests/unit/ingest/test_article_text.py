"""An article page gives the text of its article, and no text that is not about the item."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.ingest.article_pages import PARAGRAPH, TITLE, article, page
from vectora_core.ingest.article import ArticleError, article_text


def text_of(body: bytes, title: str = TITLE, charset: str | None = None) -> str:
    return article_text(body, charset, title)


def test_the_article_is_read_without_its_title_and_what_is_around_it() -> None:
    lines = text_of(article()).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("Norvanta has given the first patients")
    assert not any("cookies" in line or "Privacy" in line or "Home" in line for line in lines)


@pytest.mark.parametrize(
    "heading",
    [
        "About Norvanta",
        "About Norvanta Pharma AB (publ)",
        "Forward-looking statements",
        "For more information, please contact:",
        "Media contacts",
        "Om Norvanta",
        "À propos de Norvanta",
        "###",
    ],
)
def test_what_all_releases_of_a_company_repeat_is_left_out(heading: str) -> None:
    after = f"<h2>{heading}</h2><p>The company lives from long-acting injectables of risperidone.</p>"
    assert text_of(article(after=after)) == text_of(article())


def test_a_sentence_about_something_is_no_heading() -> None:
    after = "<p>About 30 patients of each group also answer a questionnaire on how they like the injection.</p>"
    assert "questionnaire" in text_of(article(after=after))


WALLS = {
    "cookie wall": page(
        "<div><h1>Before you continue</h1><p>We and our partners use cookies.</p></div>", title="Consent"
    ),
    "login wall": page(f"<article><h1>{TITLE}</h1><p>{PARAGRAPH}</p><p>Log in to continue reading.</p></article>"),
    "paywall": page(
        f"<article><h1>{TITLE}</h1><p>{PARAGRAPH}</p><p>Subscribe to read the full article.</p>"
        + "<p>Choose the plan that fits you, cancel whenever you like, and get our daily letter too.</p>" * 20
        + "</article>"
    ),
    "paywall with a list of other news": page(
        f"<article><h1>{TITLE}</h1><p>{PARAGRAPH}</p><p>Already a subscriber? Log in.</p></article>"
        + "".join(
            f"<div><a href='/{n}'>Norvanta news {n} on a trial</a><p>Teaser of news {n}.</p></div>" for n in range(20)
        )
    ),
    "empty": b"",
    "only a script": page("<div id='app'></div><script>render()</script>"),
    "not HTML": b"%PDF-1.7 \x00\x01\x02 binary",
    "error page": page("<h1>Sorry</h1><p>This page does not exist. Go to our home page and search for it.</p>" * 9),
}


@pytest.mark.parametrize("kind", WALLS)
def test_a_page_that_hides_the_article_gives_no_text(kind: str) -> None:
    with pytest.raises(ArticleError, match=r"too little text|not about the item"):
        text_of(WALLS[kind])


def test_a_page_about_something_else_gives_no_text() -> None:
    with pytest.raises(ArticleError, match="not about the item"):
        text_of(article(), title="Ovarelli buys a factory of vaccines in Portugal")


@pytest.mark.parametrize(
    "head",
    [
        "<meta name='robots' content='index, noai'>",
        '<meta content="1" name="tdm-reservation">',
        "<META NAME=ROBOTS CONTENT=NOAI>",
    ],
)
def test_a_page_that_is_reserved_gives_no_text(head: str) -> None:
    with pytest.raises(ArticleError, match="reserves"):
        text_of(article(head=head))
    assert text_of(article(head="<meta name='robots' content='max-snippet:-1, noarchive'>"))


def test_a_page_with_a_wrong_charset_is_read_by_its_bytes() -> None:
    accented = article(title="Bénédicte dose les premières patientes à Orléans").replace(
        b"Norvanta", "Société".encode()
    )
    assert "Société" in text_of(accented, "Société patients monthly", charset="latin-1")
    latin = accented.decode().replace("charset='utf-8'", "charset='iso-8859-1'").encode("latin-1")
    assert "Société" in text_of(latin, "Société patients monthly", charset=None)


def test_a_long_article_is_cut_at_a_word_and_hidden_characters_are_removed() -> None:
    text = text_of(article(paragraphs=60).replace(b"Norvanta has", "Nor\u202evanta\u200b has".encode()))
    assert 7900 < len(text) <= 8000
    assert text.endswith("…")
    assert "\u202e" not in text


SENTENCES = [f"{PARAGRAPH} This is paragraph {number}." for number in range(1, 6)]
LAYOUTS = {
    "line breaks": f"<div class='body'><h2>{TITLE}</h2>{'<br><br>'.join(SENTENCES)}</div>",
    "divisions": f"<div><h1>{TITLE}</h1>{''.join(f'<div>{each}</div>' for each in SENTENCES)}</div>",
    "a table": f"<table><tr><td><h1>{TITLE}</h1>{''.join(f'<p>{each}</p>' for each in SENTENCES)}</td></tr></table>",
    "spans": f"<div><span>{TITLE}</span>{''.join(f'<p><span>{each}</span></p>' for each in SENTENCES)}</div>",
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_pages_of_old_and_plain_layouts_are_read(kind: str) -> None:
    others = "".join(f"<div><a href='/{n}'>Other news {n}</a><p>A teaser of news {n}.</p></div>" for n in range(9))
    text = text_of(page(LAYOUTS[kind] + others))
    assert all(f"This is paragraph {number}." in text for number in range(1, 6))
    assert "teaser of news" not in text


FRAGMENTS = [
    *("<html>", "<body>", "<article>", "</article>", "<div>", "</div>", "<p>", "<h1>", "<table><tr><td>", "<ul><li>"),
    *("<script>", "<svg>", "<template>", "<!--", "-->", "<![CDATA[", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "&a;", "&#0;"),
    *("&#xD800;", "\x00", "\ufffe", "\U0001f600", "<meta name=robots content='", PARAGRAPH, TITLE, "<br>" * 50),
]
pages = st.one_of(
    st.binary(max_size=400),
    st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(lambda parts: "".join(parts).encode("utf-8", "replace")),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(body=pages, charset=st.sampled_from([None, "utf-8", "utf-16", "no-such-charset", "idna"]))
def test_any_page_gives_a_text_or_a_short_reason(body: bytes, charset: str | None) -> None:
    try:
        text = article_text(body, charset, TITLE)
    except ArticleError as error:
        text = str(error)
        assert len(text) <= 100
    assert 0 < len(text) <= 8000
    assert all(ord(each) >= 32 or each == "\n" for each in text)
