"""Keys of objects in the buckets. They are a contract: deployed environments already use them."""

from __future__ import annotations

import re
from datetime import date

# Lifetime of stored analyses, by the lifecycle of the data bucket: news is analyzed again for some weeks at most.
ANALYSES_PREFIX = "analyses/"
ANALYSES_DAYS = 90


def client_key(client_id: str) -> str:
    return f"clients/{client_id}.yaml"


def ingested_prefix(client_id: str) -> str:
    return f"ingested/{client_id}/"


def curated_prefix(client_id: str) -> str:
    return f"curated/{client_id}/"


def items_key(prefix: str, day: date) -> str:
    """Return the key of a day's items; `prefix` names a stage and a client, such as `ingested/lai_weekly/`."""
    return f"{prefix}{day:%Y/%m/%d}/items.json"


def report_key(prefix: str, day: date) -> str:
    return f"{prefix}{day:%Y/%m/%d}/report.json"


def analysis_key(digest: str) -> str:
    """Return the key of the model's reply to the request with that digest."""
    return f"{ANALYSES_PREFIX}{digest}.json"


def newsletter_key(client_id: str, day: date, file_name: str) -> str:
    return f"{client_id}/{day:%Y/%m/%d}/{file_name}"


def day_of_items_key(key: str) -> date | None:
    """Return the day of an `items.json` key, None for every other key."""
    match = re.search(r"/(\d{4})/(\d{2})/(\d{2})/items\.json$", key)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
