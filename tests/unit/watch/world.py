"""Environment dev in moto's memory, in which a test lets time pass, newsletters appear, and snapshots be taken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tests.docs.vault_in_memory import NAMES, environment, put
from tests.repository import ROOT
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.settings import Schedule, load_settings
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot

# A Monday. The weekly newsletter is due at 06:00 in Paris, which is 05:00 UTC in winter.
MONDAY = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)
DUE = datetime(2026, 1, 5, 5, 0, tzinfo=UTC)
SCHEDULE: Schedule = load_settings(ROOT).environment("prod").schedule
CLIENT = (ROOT / "config" / "clients" / "lai_weekly.yaml").read_bytes()
SOURCES = ("press_corporate__medincell", "press_sector__fiercepharma")


class World:
    """The environment at `now`."""

    def __init__(self) -> None:
        self.now = MONDAY
        self.account: Account
        self.names: Names = NAMES

    def at(self, moment: datetime) -> None:
        self.now = moment

    def pass_time(self, passing: timedelta) -> None:
        self.now += passing

    def publish_client(self, client_id: str = "lai_weekly", **changes: str) -> None:
        body = CLIENT.replace(b"client_id: lai_weekly", f"client_id: {client_id}".encode())
        for old, new in changes.items():
            body = body.replace(f"{old}: ".encode(), f"{old}: {new}  # ".encode(), 1)
        put(self.account, "config", f"clients/{client_id}.yaml", body)

    def write_issue(
        self,
        *,
        client_id: str = "lai_weekly",
        cost: float | None = 0.1,
        items: int = 5,
        noise: float = 0.0,
        draft: bool = False,
    ) -> str:
        """Write the manifest of today's issue or draft, as the engine does, and return its key."""
        key = f"{'_drafts/' if draft else ''}{client_id}/{self.now:%Y/%m/%d}/manifest.json"
        manifest = {
            "generation_date": self.now.isoformat(),
            "client_id": client_id,
            "total_items": items,
            "metrics": {"items": {"selected": items}, "noise_estimate": noise, "cost_usd": cost},
            "fallback_reasons": {},
        }
        put(self.account, "newsletters", key, json.dumps(manifest).encode())
        return key

    def write_report(self, day: str, failed: Sequence[str], client_id: str = "lai_weekly") -> None:
        """Write the report of an ingestion in which these sources failed."""
        sources = [
            {
                "source_key": each,
                "status": "failed" if each in failed else "ok",
                "message": "HTTP status 404" if each in failed else "",
            }
            for each in SOURCES
        ]
        put(
            self.account,
            "data",
            f"ingested/{client_id}/{day}/report.json",
            json.dumps({"client_id": client_id, "sources": sources}).encode(),
        )

    def take_snapshot(self, label: str = "daily") -> Manifest:
        return take_snapshot(
            self.account,
            NAMES,
            SnapshotRequest(label=label, occasion=Occasion(kind="operator")),
            clock=lambda: self.now,
        )


@contextmanager
def world() -> Iterator[World]:
    made = World()
    with environment(date=lambda: made.now, stored=lambda: made.now) as made.account:
        yield made
