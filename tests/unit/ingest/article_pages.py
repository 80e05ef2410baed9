"""Article pages of invented publishers, whole and broken."""

from __future__ import annotations

TITLE = "Norvanta starts a phase 2 trial of its monthly naltrexone depot"
PARAGRAPH = (
    "Norvanta has given the first patients its monthly naltrexone depot in a phase 2 trial in alcohol use disorder. "
    "The trial compares two doses with placebo in 120 adults at 14 clinics, and its results are due next year. "
)
CHROME = (
    "<nav><a href='/'>Home</a><a href='/news'>News</a></nav>"
    "<div class='cookie-banner'><p>We use cookies to improve your visit.</p><button>Accept all cookies</button></div>"
)


def page(body: str, head: str = "", title: str = TITLE) -> bytes:
    """Return a page with navigation and a cookie banner around its body."""
    return (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{title} | Norvanta</title>{head}</head><body>{CHROME}"
        f"{body}<footer><a href='/privacy'>Privacy</a></footer></body></html>"
    ).encode()


def article(paragraphs: int = 4, after: str = "", head: str = "", title: str = TITLE) -> bytes:
    """Return a page with an article."""
    text = "".join(f"<p>{PARAGRAPH} This is paragraph {number}.</p>" for number in range(1, paragraphs + 1))
    return page(f"<main><article><h1>{title}</h1>{text}{after}</article></main>", head, title)
