"""Runs of the engine as their manifests in the newsletters bucket record them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import CANARY_CLIENT, Names
from vectora_shared.aws_errors import is_absent
from vectora_shared.keys import DRAFTS_PREFIX, day_of_manifest_key
from vectora_shared.storage import Bucket


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """A run and its newsletter; None is what its manifest does not say, such as the cost without a model.

    A second run of a client on a day replaces the manifest of the first, and a run that failed has none. So what the
    runs of a month cost is a lower bound.
    """

    client_id: str
    day: date
    draft: bool
    at: datetime
    items: int
    client_version: str
    noise: float | None = None  # a share from 0 to 1
    cost_usd: float | None = None
    by_model: int = 0  # items that the model analyzed
    by_lexicon: int = 0
    fallbacks: int = 0  # items that the lexicon analyzed because the model failed
    seconds: Mapping[str, float] | None = None  # by step of the workflow

    @property
    def is_issue(self) -> bool:
        """True for what readers get; the canary is the smoke test's client."""
        return not self.draft and self.client_id != CANARY_CLIENT


def recorded_runs(account: Account, names: Names, since: date) -> tuple[RecordedRun, ...]:
    """Return the runs whose newsletters are of `since` or later, oldest first; none without a bucket."""
    bucket = Bucket(account.client("s3"), names.bucket("newsletters"))
    try:
        keys = bucket.keys("")
    except ClientError as error:
        if is_absent(error, "bucket"):
            return ()
        raise
    found = (_run(bucket, key, day) for key, day in _manifests(keys) if day >= since)
    return tuple(sorted((each for each in found if each is not None), key=lambda run: (run.at, run.draft)))


def _manifests(keys: list[str]) -> Iterator[tuple[str, date]]:
    for key in keys:
        path = key.removeprefix(DRAFTS_PREFIX)
        day = day_of_manifest_key(path, f"{path.partition('/')[0]}/")
        if day is not None:
            yield key, day


def _run(bucket: Bucket, key: str, day: date) -> RecordedRun | None:
    """Return the run of a manifest; None for one of the system before this app, which has no metrics."""
    try:
        manifest = bucket.read_json(key)
        return _recorded(manifest, key, day) if manifest and "metrics" in manifest else None
    except (TypeError, ValueError, KeyError, AttributeError):
        # Not written by a run: a person put it there.
        return None


def _recorded(manifest: Mapping[str, Any], key: str, day: date) -> RecordedRun:
    metrics, analyzers = manifest["metrics"], manifest.get("analyzers") or {}
    at = datetime.fromisoformat(manifest["generation_date"])
    cost, noise = metrics.get("cost_usd"), metrics.get("noise_estimate")
    durations = metrics.get("durations_ms") or {}
    items = int(manifest["total_items"])
    return RecordedRun(
        client_id=key.removeprefix(DRAFTS_PREFIX).partition("/")[0],
        day=day,
        draft=key.startswith(DRAFTS_PREFIX),
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        items=items,
        client_version=str(manifest.get("client_version", "")),
        noise=None if noise is None or not items else float(noise),
        cost_usd=None if cost is None else float(cost),
        by_model=int(analyzers.get("bedrock", 0)),
        by_lexicon=int(analyzers.get("lexicon", 0)),
        fallbacks=sum(map(int, (manifest.get("fallback_reasons") or {}).values())),
        seconds={step: float(took) / 1000 for step, took in durations.items() if took is not None},
    )
