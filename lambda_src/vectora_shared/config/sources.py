"""Models of the source catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vectora_shared.config.values import Distinct, Identifier, Text, not_defined, require_unique
from vectora_shared.config.yaml_file import MisfitError, Section

# Published with the configuration: sample news with a known outcome.
SAMPLES = "config:"
SourceUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/\S*)?|config:canonical/samples/\S+)$")]


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
    """CSS selectors of one news page; an omitted one falls back to the generic extractor's."""

    item: Text = Field(description="CSS selector of one news entry.")
    title: Text | None = Field(default=None, description="Of its title, within the entry; recognised when omitted.")
    link: Text | None = Field(default=None, description="Of its link, within the entry; recognised when omitted.")
    date: Text | None = Field(default=None, description="Of its date, within the entry; recognised when omitted.")
    summary: Text | None = Field(default=None, description="Of its text, within the entry; recognised when omitted.")


class Source(Section):
    """One place that publishes news: an RSS or Atom feed, or an HTML news page."""

    source_key: Annotated[str, Field(pattern=r"^[a-z0-9]+(_+[a-z0-9]+)*$")] = Field(
        description="Stable name, part of every item's id: never reuse one for another place."
    )
    source_type: Literal["press_corporate", "press_sector"] = Field(
        description="press_corporate: a company's own news; press_sector: a trade paper."
    )
    ingestion_mode: Literal["rss", "html"] = Field(
        description="rss: an RSS or Atom feed; html: a page that lists news."
    )
    url: SourceUrl = Field(
        description="Address of the feed or of the news page, or config:canonical/samples/... for a sample of ours."
    )
    enabled: bool = Field(default=True, description="false: left out of runs, which every report says.")
    company: Text | None = Field(
        default=None, description="Whose own news a corporate source carries: counts as mentioned in every item."
    )
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = Field(
        default="en", description="Language of its news, such as en; noted in every item."
    )
    max_items: Annotated[int, Field(ge=1, le=500)] = Field(
        default=50, description="Items of one run that are kept at the most, newest first; 1 to 500."
    )
    date_format: DateFormat | None = Field(
        default=None,
        description="How the page writes dates, as for strptime: settles 03/04/2026.",
    )
    selectors: HtmlSelectors | None = Field(
        default=None, description="CSS selectors of the page; without them its structure is recognised."
    )
    notes: str | None = Field(default=None, description="What ./vectora client show says about the source.")

    @property
    def sample_key(self) -> str | None:
        """Key of the sample in the configuration content; None for a source on the internet."""
        return self.url.removeprefix(SAMPLES) if self.url.startswith(SAMPLES) else None


class Bouquet(Section):
    """A named set of sources that a client subscribes to as one."""

    bouquet_id: Identifier = Field(description="Name by which clients subscribe to it; unique.")
    description: Text = Field(description="What ./vectora client show says about the bouquet.")
    source_keys: Annotated[Distinct[str], Field(min_length=1)] = Field(description="source_key of its sources.")


class SourceCatalog(Section):
    """canonical/sources/source_catalog.yaml: where news can come from."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = Field(description="Every place that publishes news.")
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
