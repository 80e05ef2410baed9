"""Candidates of an issue: curated news of its period that no earlier issue published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

from vectora_core.item_files import read_items, without_repeated_ids
from vectora_core.items import CuratedItem, news_date
from vectora_core.known_news import KnownNews
from vectora_core.newsletter.earlier_issues import EarlierIssues, read_earlier_issues
from vectora_core.notices import is_about
from vectora_shared.errors import VectoraError
from vectora_shared.keys import curated_prefix, day_of_items_key, items_key
from vectora_shared.storage import Bucket

STAGE = "normalize-score"
PARALLEL_READS = 8
# East of UTC, today's news has tomorrow's date.
DAYS_AHEAD = 1


@dataclass(frozen=True)
class Period:
    """First and last day of the news that an issue covers."""

    first: date
    last: date


@dataclass(frozen=True)
class Candidates:
    """Items that the run of the issue curated, news that it may show, and news that earlier issues published.

    `held_back` is news of a coming day: it is shown in the issue of its day, because readers would take it for today's.
    """

    curated: tuple[CuratedItem, ...]
    items: tuple[CuratedItem, ...]
    published: tuple[CuratedItem, ...]
    held_back: tuple[CuratedItem, ...]
    warnings: tuple[str, ...]


def read_candidates(
    data: Bucket,
    newsletters: Bucket,
    client_id: str,
    day: date,
    period: Period,
    *,
    pages: Sequence[str],
    draft: bool,
) -> Candidates:
    """Return the candidates of the issue of `day`, or of a draft of it.

    `pages` are the sources' addresses, which items without a link of their own have.

    Raise VectoraError when the day itself was not curated; a damaged file of an earlier day is a warning.
    """
    today = read_items(data, items_key(curated_prefix(client_id, draft=draft), day), CuratedItem, STAGE)
    # A source may be a day ahead of UTC: its news was curated the day before its date.
    earliest = period.first - timedelta(days=1)
    issues = read_earlier_issues(newsletters, client_id, day, since=earliest)
    earlier, warnings = _read_earlier_days(data, client_id, day, earliest)
    everything = [item for items in (today, *earlier.values()) for item in items]
    published = [item for item in everything if item.item_id in issues.published]
    held_back = [item for item in today if _is_ahead(item, max(day, period.last))]
    ahead = {item.item_id for item in held_back}
    new_today = _unknown([item for item in today if item.item_id not in ahead], published, pages)
    still_news = _unknown(_still_news(earlier, issues, period), [*published, *new_today], pages)
    return Candidates(
        curated=tuple(today),
        items=(*new_today, *without_repeated_ids(still_news)),
        published=tuple(published),
        held_back=tuple(held_back),
        warnings=(*issues.warnings, *warnings),
    )


def _is_ahead(item: CuratedItem, day: date) -> bool:
    published = news_date(item, item.normalized_content)
    return published is not None and published > day + timedelta(days=DAYS_AHEAD)


def _unknown(items: Iterable[CuratedItem], known: Sequence[CuratedItem], pages: Iterable[str]) -> list[CuratedItem]:
    """Return the items that are not the same news as a known one, and those that correct or withdraw one."""
    news, ids = KnownNews(pages), set()
    for item in known:
        news.add(item)
        ids.add(item.item_id)
    new = [item for item in items if item.item_id not in ids]
    return [item for item in new if news.find(item) is None or is_about(item, known)]


def _read_earlier_days(
    data: Bucket, client_id: str, day: date, earliest: date
) -> tuple[dict[date, list[CuratedItem]], list[str]]:
    """Return the curated items of the days before `day` by day, newest first, and warnings about damaged files."""
    prefix = curated_prefix(client_id)
    all_days = (day_of_items_key(key, prefix) for key in data.keys(prefix))
    days = [found for found in all_days if found and earliest <= found < day]
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        reads = {
            found: pool.submit(read_items, data, items_key(prefix, found), CuratedItem, STAGE)
            for found in sorted(days, reverse=True)
        }
    items: dict[date, list[CuratedItem]] = {}
    warnings = []
    for found, read in reads.items():
        try:
            items[found] = without_repeated_ids(read.result())
        except VectoraError as error:
            warnings.append(str(error))
    return items, warnings


def _still_news(earlier: dict[date, list[CuratedItem]], issues: EarlierIssues, period: Period) -> Sequence[CuratedItem]:
    """Return the items of earlier days that belong to the period.

    Undated ones belong to it only until the next issue: pages without dates would bring their archive item by item.
    """
    chosen = []
    for curated_on, items in earlier.items():
        is_since_last_issue = issues.newest_day is None or curated_on > issues.newest_day
        for item in items:
            day = news_date(item, item.normalized_content)
            if is_since_last_issue if day is None else period.first <= day <= period.last:
                chosen.append(item)
    return chosen
