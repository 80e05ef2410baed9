"""Models of the source catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from vectora_shared.config.characters import is_invisible
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
    """A source of news: an RSS or Atom feed, or an HTML news page."""

    source_key: SourceKey = Field(
        description="Stable name, part of every item's id; never reuse it for another source."
    )
    source_type: Literal["press_corporate", "press_sector"] = Field(
        description="press_corporate: a company's own news; press_sector: a trade paper."
    )
    ingestion_mode: Literal["rss", "html"] = Field(
        description="rss: an RSS or Atom feed; html: a page that lists news."
    )
    url: SourceUrl = Field(
        description="Address of the feed or news page, or config:canonical/samples/... for a sample in this repository."
    )
    enabled: bool = Field(default=True, description="false: runs skip the source, and their reports say so.")
    name: Text | None = Field(
        default=None,
        description="Name for readers, such as Fierce Pharma; else the company's, or one made from the key.",
    )
    company: Term | None = Field(
        default=None, description="Company whose own news the source publishes; counts as mentioned in every item."
    )
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = Field(
        default="en", description="Language of its news, such as en; recorded in every item."
    )
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
    notes: str | None = Field(default=None, description="Remarks that ./vectora client show prints.")

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
