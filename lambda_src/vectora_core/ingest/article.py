"""Text of an article page, or the reason why it has none that a newsletter can use."""

from __future__ import annotations

import re
import unicodedata

from vectora_core.ingest.decoding import decode
from vectora_core.ingest.entries import MAX_CONTENT_CHARACTERS
from vectora_core.ingest.fetch import reserves_use
from vectora_core.text.words import count_words, fold, one_line, shortened
from vectora_shared.errors import VectoraError

# A shorter text is a teaser again: the page hides the rest behind a subscription, a login or a script.
MIN_WORDS = 60
# Share of the title's longer words that a text about the item contains.
_TITLE_SHARE = 0.4
_LONGER_WORD = re.compile(r"[^\W_]{4,}")
_META = re.compile(r"<meta\b[^<>]{0,1000}>", re.IGNORECASE)
_META_NAME = re.compile(r"\bname\s*=\s*[\"']?\s*(robots|tdm-reservation)\b", re.IGNORECASE)
_META_CONTENT = re.compile(r"\bcontent\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*))", re.IGNORECASE)
_HEAD_CHARACTERS = 200_000
# The text of the article ends before the first such line.
_WALL = re.compile(
    r"subscribe (?:now )?to (?:continue|read|unlock|get)|(?:sign|log) ?in to (?:continue|read|view|access)|"
    r"(?:already|not yet) a (?:subscriber|member)|create (?:a|your) (?:free )?account|to continue reading|"
    r"this (?:article|content) is (?:only |reserved )?(?:for|available to) (?:subscribers|members)|"
    r"(?:accept|manage|reject) (?:all )?cookies|we (?:and our partners )?use cookies|(?:enable|turn on) javascript|"
    r"réservé (?:à nos|aux) abonnés|acceptez? (?:tous )?les cookies|för att läsa vidare|godkänn (?:alla )?cookies",
    re.IGNORECASE,
)
# The same for headings of what every press release of a company repeats. It would make all its news look alike.
_BOILERPLATE = re.compile(
    r"(?:about [^\s.]+(?: [^\s.]+){0,5}|om [^\s.]+(?: [^\s.]+){0,3}|à propos d\S* ?[^\s.]*(?: [^\s.]+){0,4}|"
    r"(?:safe harbou?r|forward[- ]looking|cautionary)\b.{0,60}|disclaimer|notes? to (?:the )?editors?|"
    r"for (?:more|further|additional) information.{0,60}|"
    r"(?:(?:press|media|investors?|company)(?: (?:and|&|/) ?\w+)? )?(?:contacts?|enquiries|inquiries)(?: information)?|"
    r"references|related (?:articles|news|stories|content)|read next|#{2,5})\s*:?",
    re.IGNORECASE,
)
_WORDS_BEFORE_BOILERPLATE = 25


class ArticleError(VectoraError):
    """A page that gives an item no text; the message is short, because reports count equal ones."""


def article_text(body: bytes, charset: str | None, title: str) -> str:
    """Return the text of the article with this title; raise ArticleError when the page has none.

    Parsing a hostile page may take minutes and gigabytes: call it in a process of its own.
    """
    page = decode(body, charset)
    if _is_reserved(page):
        raise ArticleError("The site reserves the page from use by machines")
    text = _own_text(page, title, with_tables=False)
    if count_words(text) < MIN_WORDS:
        # Some pages are laid out as one table.
        text = _own_text(page, title, with_tables=True)
    if count_words(text) < MIN_WORDS:
        raise ArticleError("The page shows too little text")
    if not _is_about(title, text):
        raise ArticleError("The page's text is not about the item")
    return shortened(text, MAX_CONTENT_CHARACTERS)


def _own_text(page: str, title: str, *, with_tables: bool) -> str:
    lines = [line for raw in _main_text(page, with_tables).splitlines() if (line := one_line(raw))]
    return "\n".join(_own_lines(lines, title))


def _main_text(page: str, with_tables: bool) -> str:
    # Imported here: a handler that reads no article does not need it, and it takes 0.2 s.
    import trafilatura

    try:
        text: str | None = trafilatura.extract(
            page, favor_precision=True, include_comments=False, include_tables=with_tables
        )
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        raise ArticleError(f"The page cannot be parsed ({type(error).__name__})") from error
    return text or ""


def _is_reserved(page: str) -> bool:
    values = {"robots": "", "tdm-reservation": ""}
    for tag in _META.finditer(page, 0, _HEAD_CHARACTERS):
        name, content = _META_NAME.search(tag[0]), _META_CONTENT.search(tag[0])
        if name and content:
            key = "tdm-reservation" if name[1].lower() == "tdm-reservation" else "robots"
            values[key] += f" {content[1] or content[2] or content[3] or ''}"
    return reserves_use(values["robots"], values["tdm-reservation"])


def _own_lines(lines: list[str], title: str) -> list[str]:
    """Return the lines of the article, without its title and without what follows it."""
    own: list[str] = []
    words = 0
    for line in lines:
        if len(line) < 300 and _WALL.search(line):
            break
        if words >= _WORDS_BEFORE_BOILERPLATE and _BOILERPLATE.fullmatch(line[:200]):
            break
        if not own and fold(line).casefold() == fold(title).casefold():
            continue
        own.append(line)
        words += count_words(line)
    return own


def _is_about(title: str, text: str) -> bool:
    wanted = set(_longer_words(title))
    return not wanted or len(wanted & set(_longer_words(text))) >= _TITLE_SHARE * len(wanted)


def _longer_words(text: str) -> list[str]:
    # Composed, so that a letter with an accent is one letter.
    return _LONGER_WORD.findall(unicodedata.normalize("NFC", text).casefold())
