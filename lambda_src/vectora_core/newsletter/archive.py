"""Archive of a client's issues: a page and an RSS feed in the newsletters bucket, written again after each issue."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from vectora_core.newsletter.feed import as_feed
from vectora_core.newsletter.wording import Wording
from vectora_core.text.addresses import link_address
from vectora_core.text.words import one_line
from vectora_shared.keys import day_of_manifest_key, newsletter_key, newsletters_prefix
from vectora_shared.storage import Bucket

TEMPLATE = Path(__file__).with_name("archive.html.j2")
# Issues that are shown with their headlines; older ones have their day only.
MOST_DETAILED = 100
PARALLEL_READS = 8
FORMATS = ("html", "txt", "md", "eml")


@dataclass(frozen=True)
class ArchivedHeadline:
    """A headline, with the names and addresses of the other sources that report its story."""

    text: str
    other_reports: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class ArchivedIssue:
    """One issue; `headlines`, `items` and `written_at` are missing for an old one and one that cannot be read."""

    day: date
    formats: tuple[str, ...]
    headlines: tuple[ArchivedHeadline, ...] = ()
    items: int | None = None
    written_at: datetime | None = None

    @property
    def folder(self) -> str:
        """Address of the issue's files, relative to the archive."""
        return f"{self.day:%Y/%m/%d}"


def write_archive(newsletters: Bucket, client_id: str, name: str, language: str, archive_url: str | None) -> None:
    """Write index.html and feed.xml of a client from all its issues.

    Both are made from the list of the bucket, so an archive of two concurrent runs is complete after the next issue.
    """
    issues = _issues(newsletters, client_id)
    prefix = newsletters_prefix(client_id)
    page = _page(issues, name, Wording(language), language)
    newsletters.write(f"{prefix}index.html", page.encode("utf-8", "replace"), "text/html")
    feed = as_feed(issues[:MOST_DETAILED], client_id, name, language, archive_url)
    newsletters.write(f"{prefix}feed.xml", feed, "application/rss+xml")


def _issues(newsletters: Bucket, client_id: str) -> list[ArchivedIssue]:
    """Return the issues of a client, newest first; those without a manifest are not complete."""
    prefix = newsletters_prefix(client_id)
    keys = newsletters.keys(prefix)
    present = set(keys)
    days = sorted((day for key in keys if (day := day_of_manifest_key(key, prefix))), reverse=True)

    def issue(position: int, day: date) -> ArchivedIssue:
        formats = tuple(each for each in FORMATS if newsletter_key(client_id, day, f"newsletter.{each}") in present)
        bare = ArchivedIssue(day, formats)
        return _detailed(newsletters, client_id, bare) if position < MOST_DETAILED else bare

    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        return list(pool.map(issue, range(len(days)), days))


def _detailed(newsletters: Bucket, client_id: str, bare: ArchivedIssue) -> ArchivedIssue:
    try:
        document = newsletters.read_json(newsletter_key(client_id, bare.day, "newsletter.json")) or {}
        items = [item for section in document["sections"] for item in section["items"]]
        return ArchivedIssue(
            day=bare.day,
            formats=bare.formats,
            headlines=_headlines(document, items),
            items=len(items),
            written_at=datetime.fromisoformat(document["generated_at"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        # A file that was damaged or written by another system hides only itself.
        return bare


def _headlines(document: Mapping[str, Any], items: list[dict[str, Any]]) -> tuple[ArchivedHeadline, ...]:
    """Return the headlines of "in brief", else those of the highest scores."""
    by_id = {item["item_id"]: item for item in items}
    ranked = sorted(items, key=lambda item: (-float(item.get("score") or 0), item["item_id"]))[:3]
    chosen = [by_id[item_id] for item_id in document.get("in_brief", ()) if item_id in by_id] or ranked
    return tuple(
        ArchivedHeadline(
            one_line(str(item.get("headline") or item["title"])),
            # Issues of earlier releases name none.
            tuple((one_line(str(each["source"])), _address(each)) for each in item.get("also_reported_by", ())),
        )
        for item in chosen
    )


def _address(report: Mapping[str, Any]) -> str | None:
    url = report.get("source_url")
    return link_address(str(url)) if url else None


def _page(issues: list[ArchivedIssue], name: str, words: Wording, language: str) -> str:
    # Imported here: the other functions of the engine start faster without it.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(issues=issues, name=name, words=words, language=language)
