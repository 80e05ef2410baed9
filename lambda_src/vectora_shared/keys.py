"""Keys of objects in the buckets. They are a contract: deployed environments already use them."""

from __future__ import annotations

import re
from datetime import date

CLIENTS_PREFIX = "clients/"
CANARY_CLIENT = "canary"  # client of the smoke test
# Spelling of the ids of clients and the names of prompts, which are parts of keys.
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
CLIENT_KEY = re.compile(rf"{CLIENTS_PREFIX}({IDENTIFIER.pattern})\.yaml")
# `\d` would also match digits of other scripts.
DAY_FOLDER = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})/")
# Lifetime of stored analyses, by the lifecycle of the data bucket: news is analyzed again for some weeks at most.
ANALYSES_PREFIX = "analyses/"
ANALYSES_DAYS = 90
# Drafts, in the data and newsletters buckets. Client ids begin with a letter, so no client has this prefix.
DRAFTS_PREFIX = "_drafts/"
DRAFTS_DAYS = 30
# Records of deliveries by e-mail, in the newsletters bucket. No snapshot has them and no rollback changes them: a
# rollback takes no message back, and must not make an issue go out again.
DELIVERIES_PREFIX = "_deliveries/"
# Status page of the environment, in the newsletters bucket, which operators alone may read. No snapshot has it.
STATUS_PREFIX = "_status/"
STATUS_PAGE_KEY = f"{STATUS_PREFIX}status.html"


def client_key(client_id: str) -> str:
    return f"{CLIENTS_PREFIX}{client_id}.yaml"


def client_of_key(key: str) -> str | None:
    """Return the id of the client whose file has this key; None for every other key, however similar."""
    match = CLIENT_KEY.fullmatch(key)
    return match[1] if match else None


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


def day_of_items_key(key: str, prefix: str) -> date | None:
    """Return the day of the `items.json` of a stage and a client, such as `ingested/lai_weekly/`; else None."""
    return _day_of_key(key, prefix, "items.json")


def day_of_manifest_key(key: str, prefix: str) -> date | None:
    """Return the day of the `manifest.json` of a client's newsletter, None for every other key."""
    return _day_of_key(key, prefix, "manifest.json")


def day_of_folder(folder: str) -> date | None:
    """Return the day of a folder such as `2026/01/06/`, None for every other one, such as `2026/02/30/`."""
    match = DAY_FOLDER.fullmatch(folder)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _drafts(draft: bool) -> str:
    return DRAFTS_PREFIX if draft else ""


def _day_of_key(key: str, prefix: str, file_name: str) -> date | None:
    if not (key.startswith(prefix) and key.endswith(f"/{file_name}")):
        return None
    return day_of_folder(key.removeprefix(prefix).removesuffix(file_name))
