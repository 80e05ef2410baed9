"""Items that earlier issues of a client published; drafts published nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from vectora_shared.keys import day_of_manifest_key, newsletter_key, newsletters_prefix
from vectora_shared.storage import Bucket


@dataclass(frozen=True)
class EarlierIssues:
    """Ids of the items that issues published, those of other reports of the same stories included."""

    published: frozenset[str]
    newest_day: date | None
    warnings: tuple[str, ...] = ()


def read_earlier_issues(newsletters: Bucket, client_id: str, day: date, *, since: date) -> EarlierIssues:
    """Return what the issues before `day` published from `since` on, and the day of the newest of them.

    An issue that cannot be read is a warning: its items may be published again.
    """
    prefix = newsletters_prefix(client_id)
    all_days = (day_of_manifest_key(key, prefix) for key in newsletters.keys(prefix))
    days = [found for found in all_days if found and found < day]
    published: set[str] = set()
    warnings = []
    for found in days:
        if found >= since:
            try:
                published.update(_published(newsletters, client_id, found))
            except (ValueError, TypeError, KeyError, AttributeError):
                key = newsletter_key(client_id, found, "manifest.json")
                warnings.append(f"s3://{newsletters.name}/{key} cannot be read: items of that issue may appear again.")
    return EarlierIssues(frozenset(published), max(days, default=None), tuple(warnings))


def _published(newsletters: Bucket, client_id: str, day: date) -> Iterator[str]:
    manifest = newsletters.read_json(newsletter_key(client_id, day, "manifest.json")) or {}
    if "items" in manifest:
        yield from (str(entry["item_id"]) for entry in manifest["items"])
        yield from manifest.get("doubles", {})
        return
    # The previous system wrote no items into its manifests.
    letter: Mapping[str, Any] = newsletters.read_json(newsletter_key(client_id, day, "newsletter.json")) or {}
    for section in letter.get("sections", ()):
        yield from (str(item["item_id"]) for item in section["items"])
