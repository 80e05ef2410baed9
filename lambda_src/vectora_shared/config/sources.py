"""Models of the source catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from vectora_shared.config.characters import is_invisible
from vectora_shared.config.json_mapping import JsonMapping, placeholder_problem, secret_problem
from vectora_shared.config.section import MisfitError, NotationError, Section
from vectora_shared.config.values import (
    Distinct,
    Identifier,
    Selector,
    SourceKey,
    Term,
    Text,
    not_defined,
    require_unique,
)

# Prefix of the addresses of samples: news with a known outcome, published with the configuration.
SAMPLES = "config:"


def _source_url(url: str) -> str:
    """Return the address; raise NotationError for a host, port or character that no request can have."""
    hidden = next((char for char in url if is_invisible(char)), None)
    try:
        parts = urlsplit(url)
        wrong = hidden is not None or not (parts.hostname or "").isascii() or "@" in parts.netloc or parts.port == 0
    except ValueError:
        wrong = True
    if wrong and not url.startswith(SAMPLES):
        raise NotationError(
            "is no web address: write the host in ASCII letters (Punycode), without user name, and a port up to 65535"
        )
    return url


SourceUrl = Annotated[
    str,
    Field(pattern=r"^(https?://[^\s/]+(/\S*)?|config:canonical/samples/[A-Za-z0-9_./-]+)$"),
    AfterValidator(_source_url),
]


def _valid_date_format(date_format: str) -> str:
    day = datetime(2001, 12, 31, tzinfo=UTC)
    try:
        reads_back = datetime.strptime(day.strftime(date_format), date_format).date() == day.date()  # noqa: DTZ007
    except ValueError:
        reads_back = False
    if not reads_back:
        raise ValueError('is not a strptime format with day, month and year, such as "%d/%m/%Y"')
    return date_format


DateFormat = Annotated[str, AfterValidator(_valid_date_format)]


SourceType = Literal["press_corporate", "press_sector", "regulator", "registry", "literature"]
SOURCE_TYPES: tuple[SourceType, ...] = get_args(SourceType)
IngestionMode = Literal["rss", "html", "json"]


def _known_language(code: str) -> str:
    """Return a language's code; raise NotationError for one that no language has, with that of a country's language."""
    if code != "en" and not language_exists(code):
        raise NotationError(
            f"is the code of no language: {_language_hint(code)}write one of ISO 639-1, such as en or sv"
        )
    return code


def language_exists(code: str) -> bool:
    """Return whether a language has the two-letter code, by the Unicode locale data."""
    from babel.core import Locale

    # A code is in the list of names of languages also when the locale data has no translations for it.
    return code in Locale("en").languages


def _language_hint(code: str) -> str:
    from babel.core import Locale
    from babel.languages import get_official_languages

    spoken = [each for each in get_official_languages(code.upper(), de_facto=True) if len(each) == 2][:1]
    return f"{code.upper()} is {Locale('en').territories[code.upper()]}; did you mean '{spoken[0]}'? " if spoken else ""


Language = Annotated[str, Field(pattern=r"^[a-z]{2}$"), AfterValidator(_known_language)]


class HtmlSelectors(Section):
    """CSS selectors of one news page; an omitted part of an entry is detected without a selector."""

    item: Selector = Field(description="CSS selector of one news entry.")
    title: Selector | None = Field(
        default=None, description="CSS selector of the entry's title; detected when omitted."
    )
    link: Selector | None = Field(default=None, description="CSS selector of the entry's link; detected when omitted.")
    date: Selector | None = Field(default=None, description="CSS selector of the entry's date; detected when omitted.")
    summary: Selector | None = Field(
        default=None, description="CSS selector of the entry's text; detected when omitted."
    )


class Source(Section):
    """A source of news: an RSS or Atom feed, an HTML news page, or an API that answers in JSON."""

    source_key: SourceKey = Field(
        description="Stable name, part of every item's id; never reuse it for another source."
    )
    source_type: SourceType = Field(
        description="press_corporate: a company's own news; press_sector: a trade paper; regulator: an authority, such "
        "as the FDA; registry: a register of trials or products; literature: scientific articles."
    )
    ingestion_mode: IngestionMode = Field(
        description="rss: an RSS or Atom feed; html: a page that lists news; json: an API that answers in JSON, by the "
        "mapping."
    )
    url: SourceUrl = Field(
        description="Address of the feed, news page or API, or config:canonical/samples/... for a sample in this "
        "repository. That of an API may have {from_date} and {to_date}, the run's period."
    )
    enabled: bool = Field(default=True, description="false: runs skip the source, and their reports say so.")
    name: Text | None = Field(
        default=None,
        description="Name for readers, such as Fierce Pharma; else the company's, or one made from the key.",
    )
    company: Term | None = Field(
        default=None, description="Company whose own news the source publishes; counts as mentioned in every item."
    )
    language: Language = Field(default="en", description="Language of its news, such as en; recorded in every item.")
    max_items: Annotated[int, Field(ge=1, le=500)] = Field(
        default=50, description="Maximum number of items in a run, in the order of the source; 1 to 500."
    )
    date_format: DateFormat | None = Field(
        default=None,
        description="Format of the page's dates, as for strptime; decides which day 03/04/2026 is.",
    )
    selectors: HtmlSelectors | None = Field(
        default=None, description="CSS selectors of the page; without them, its entries are detected."
    )
    mapping: JsonMapping | None = Field(
        default=None, description="Places of the entries in an API's answers; with ingestion_mode json only."
    )
    notes: str | None = Field(default=None, description="Remarks that ./vectora client show prints.")

    @model_validator(mode="after")
    def _mapping_fits(self) -> Source:
        if self.ingestion_mode != "json":
            if self.mapping is not None:
                raise MisfitError((("mapping",), "needs ingestion_mode json: change that, or remove the mapping"))
            return self
        if self.mapping is None:
            raise MisfitError((("ingestion_mode",), "is json, which needs the key mapping: add it"))
        if self.selectors is not None:
            raise MisfitError(
                (("selectors",), "are for ingestion_mode html: remove them, the mapping takes their place")
            )
        if problem := placeholder_problem(self.url) or secret_problem(self.url):
            raise MisfitError((("url",), problem))
        return self

    @property
    def is_own_news(self) -> bool:
        """True for a company's news about itself; sources of all other types report on a whole field."""
        return self.source_type == "press_corporate"

    @property
    def sample_key(self) -> str | None:
        """Key of the sample in the configuration content; None for a source on the internet."""
        return self.url.removeprefix(SAMPLES) if self.url.startswith(SAMPLES) else None


class Bouquet(Section):
    """A named set of sources that clients subscribe to."""

    bouquet_id: Identifier = Field(description="Name by which clients subscribe to it; unique.")
    description: Text = Field(description="Description that ./vectora client show prints.")
    source_keys: Annotated[Distinct[SourceKey], Field(min_length=1)] = Field(description="source_key of its sources.")


class SourceCatalog(Section):
    """canonical/sources/source_catalog.yaml: sources of news, and bouquets of them."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = Field(description="All sources of news.")
    bouquets: tuple[Bouquet, ...] = Field(description="Sets of sources that clients subscribe to.")

    @model_validator(mode="after")
    def _references_resolve(self) -> SourceCatalog:
        keys = [source.source_key for source in self.sources]
        require_unique(("sources",), keys, "source_key")
        require_unique(("bouquets",), [bouquet.bouquet_id for bouquet in self.bouquets], "bouquet_id")
        known = set(keys)
        unknown = [
            (("bouquets", index, "source_keys", position), not_defined(key, keys, "a source of this file"))
            for index, bouquet in enumerate(self.bouquets)
            for position, key in enumerate(bouquet.source_keys)
            if key not in known
        ]
        if unknown:
            raise MisfitError(*unknown)
        return self
