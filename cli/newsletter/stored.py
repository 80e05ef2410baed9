"""Newsletters that are stored in an environment: issues and drafts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from client_files.buckets import keys_below
from vectora_ops.names import CANARY_CLIENT
from vectora_ops.unknown_names import unknown_name
from vectora_shared.errors import VectoraError
from vectora_shared.keys import DRAFTS_PREFIX
from vectora_shared.storage import Bucket

MANIFEST = "manifest.json"
NEWSLETTER = "newsletter."
_KEY = re.compile(
    rf"(?P<draft>{re.escape(DRAFTS_PREFIX)})?(?P<client>[a-z][a-z0-9_]*)/(?P<day>\d{{4}}/\d{{2}}/\d{{2}})/(?P<file>[^/]+)"
)


@dataclass(frozen=True)
class StoredNewsletter:
    """One newsletter; `files` are the keys of its files by name."""

    client_id: str
    day: date
    draft: bool
    files: dict[str, str]

    @property
    def formats(self) -> tuple[str, ...]:
        return tuple(sorted(name.removeprefix(NEWSLETTER) for name in self.files if name.startswith(NEWSLETTER)))


@dataclass(frozen=True)
class ListedNewsletter:
    """Row of a newsletter in a list; `status` is incomplete while its manifest is missing or unreadable."""

    client_id: str
    day: str
    draft: bool
    status: str
    items: int | None
    written_at: str | None
    cost_usd: float | None
    formats: tuple[str, ...]


def stored_newsletters(bucket: Bucket, client_id: str | None, *, drafts: bool) -> list[StoredNewsletter]:
    """Return the newsletters of a client, or of all clients but the canary, newest first.

    Raises VectoraError when the client has none, naming the closest client that has one.
    """
    found: dict[tuple[str, date, bool], dict[str, str]] = {}
    for key in keys_below(bucket, f"{client_id}/" if client_id and not drafts else ""):
        if (match := _KEY.fullmatch(key)) and (day := _day(match["day"])):
            found.setdefault((match["client"], day, bool(match["draft"])), {})[match["file"]] = key
    all_newsletters = [StoredNewsletter(*identity, files) for identity, files in found.items()]
    chosen = [each for each in all_newsletters if _is_wanted(each, client_id, drafts=drafts)]
    if client_id and not chosen:
        raise VectoraError(_none_found(bucket, client_id, drafts=drafts))
    return sorted(chosen, key=lambda each: (each.day, not each.draft, each.client_id), reverse=True)


def newsletter_of(stored: Sequence[StoredNewsletter], day: date | None) -> StoredNewsletter:
    """Return the newsletter of a day, or the newest; raise VectoraError when that day has none."""
    if day is None:
        return stored[0]
    for newsletter in stored:
        if newsletter.day == day:
            return newsletter
    kind = "draft" if stored[0].draft else "issue"
    raise VectoraError(f"{stored[0].client_id} has no {kind} of {day}: the newest is of {stored[0].day}.")


def listed(bucket: Bucket, stored: Iterable[StoredNewsletter]) -> list[ListedNewsletter]:
    """Return the rows of newsletters, from their manifests."""
    return [_listed(each, _manifest(bucket, each)) for each in stored]


def _listed(newsletter: StoredNewsletter, manifest: dict[str, Any]) -> ListedNewsletter:
    metrics = manifest.get("metrics")
    return ListedNewsletter(
        client_id=newsletter.client_id,
        day=newsletter.day.isoformat(),
        draft=newsletter.draft,
        status=str(manifest.get("status", "incomplete")),
        items=manifest.get("total_items"),
        written_at=manifest.get("generation_date"),
        cost_usd=metrics.get("cost_usd") if isinstance(metrics, dict) else None,
        formats=newsletter.formats,
    )


def _manifest(bucket: Bucket, newsletter: StoredNewsletter) -> dict[str, Any]:
    if MANIFEST not in newsletter.files:
        return {}
    try:
        document = bucket.read_json(newsletter.files[MANIFEST])
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_wanted(newsletter: StoredNewsletter, client_id: str | None, *, drafts: bool) -> bool:
    is_of_client = newsletter.client_id == client_id if client_id else newsletter.client_id != CANARY_CLIENT
    return is_of_client and newsletter.draft == drafts


def _none_found(bucket: Bucket, client_id: str, *, drafts: bool) -> str:
    kind = "drafts" if drafts else "issues"
    matches = (_KEY.fullmatch(key) for key in bucket.keys(""))
    clients = {match["client"] for match in matches if match and bool(match["draft"]) == drafts}
    where = f"with {kind} in s3://{bucket.name}"
    return unknown_name("client", client_id, sorted(clients - {client_id, CANARY_CLIENT}), where=where)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None
