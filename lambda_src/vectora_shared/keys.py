"""Keys of objects in the buckets. They are a contract: deployed environments already use them."""

from __future__ import annotations

import re
from datetime import date

# Lifetime of stored analyses, by the lifecycle of the data bucket: news is analyzed again for some weeks at most.
ANALYSES_PREFIX = "analyses/"
ANALYSES_DAYS = 90
# Drafts, in the data and newsletters buckets. Client ids begin with a letter, so no client has this prefix.
DRAFTS_PREFIX = "_drafts/"
DRAFTS_DAYS = 30
# Records of deliveries by e-mail, in the newsletters bucket. No snapshot has them and no rollback changes them: a
# rollback takes no message back, and must not make an issue go out again.
DELIVERIES_PREFIX = "_deliveries/"


def client_key(client_id: str) -> str:
    return f"clients/{client_id}.yaml"


def ingested_prefix(client_id: str, *, draft: bool = False) -> str:
    return f"{_drafts(draft)}ingested/{client_id}/"


def curated_prefix(client_id: str, *, draft: bool = False) -> str:
    return f"{_drafts(draft)}curated/{client_id}/"


def newsletters_prefix(client_id: str, *, draft: bool = False) -> str:
    return f"{_drafts(draft)}{client_id}/"


def items_key(prefix: str, day: date) -> str:
    """Return the key of a day's items; `prefix` names a stage and a client, such as `ingested/lai_weekly/`."""
    return f"{prefix}{day:%Y/%m/%d}/items.json"


def report_key(prefix: str, day: date) -> str:
    return f"{prefix}{day:%Y/%m/%d}/report.json"


def analysis_key(digest: str) -> str:
    """Return the key of the model's reply to the request with that digest."""
    return f"{ANALYSES_PREFIX}{digest}.json"


def newsletter_key(client_id: str, day: date, file_name: str, *, draft: bool = False) -> str:
    return f"{newsletters_prefix(client_id, draft=draft)}{day:%Y/%m/%d}/{file_name}"


def delivery_key(client_id: str, day: date) -> str:
    """Return the key of the record that says who got the issue of that day."""
    return f"{DELIVERIES_PREFIX}{client_id}/{day:%Y/%m/%d}/delivery.json"


def day_of_items_key(key: str) -> date | None:
    """Return the day of an `items.json` key, None for every other key."""
    return _day_of_key(key, "items.json")


def day_of_manifest_key(key: str) -> date | None:
    """Return the day of a newsletter's `manifest.json` key, None for every other key."""
    return _day_of_key(key, "manifest.json")


def _drafts(draft: bool) -> str:
    return DRAFTS_PREFIX if draft else ""


def _day_of_key(key: str, file_name: str) -> date | None:
    match = re.search(rf"/(\d{{4}})/(\d{{2}})/(\d{{2}})/{re.escape(file_name)}$", key)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
