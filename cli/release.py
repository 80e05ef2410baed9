"""`./vectora release`: releases of an environment."""

from __future__ import annotations

from cli.options import Env, Json
from cli.output import out, print_json, report_errors
from cli.promotion_status import client_promotion_sentence
from cli.target import open_target
from vectora_ops.promotion.facts import live_digest
from vectora_ops.records import LedgerEntry, Records
from vectora_ops.times import minute


@report_errors
def list_releases(env: Env, json: Json = False) -> None:
    """List the releases of an environment from its ledger, newest first."""
    here = open_target(env)
    records = Records(here.account, here.names)
    ledger = records.ledger()
    promotions = [each for each in records.client_promotions() if each.is_over]
    live = live_digest(here.account, here.names)
    if json:
        entries = [
            {
                **entry.model_dump(mode="json"),
                "verified": verified(entry, ledger),
                "current": position == len(ledger) - 1 and entry.digest == live,
            }
            for position, entry in enumerate(ledger)
        ]
        clients = [each.model_dump(mode="json") for each in reversed(promotions)]
        print_json({"env": env, "live_digest": live, "releases": entries[::-1], "clients": clients})
        return
    _show_ledger(env, ledger, live)
    if promotions:
        out.print("Client files promoted by themselves:")
    for promotion in reversed(promotions):
        out.fold(client_promotion_sentence(promotion), indent="  ")


def _show_ledger(env: str, ledger: tuple[LedgerEntry, ...], live: str | None) -> None:
    if not ledger:
        out.fold(f"The ledger of {env} is empty: the pipeline has deployed nothing there yet.")
        return
    out.print_rows(
        ("since", "version", "verified", "", "content", "digest", "commit", "how", "snapshot before"),
        [
            (
                minute(entry.at),
                entry.version,
                "yes" if verified(entry, ledger) else "no",
                "current" if position == len(ledger) - 1 and entry.digest == live else "",
                (entry.content_digest or "")[:12],
                entry.digest[:12],
                (entry.commit or "")[:12],
                how(entry),
                entry.snapshot or "",
            )
            for position, entry in reversed(tuple(enumerate(ledger)))
        ],
    )
    if live != ledger[-1].digest:
        out.fold(f"What is deployed now, {str(live)[:12]}, was deployed past the pipeline and is not verified.")


def verified(entry: LedgerEntry, ledger: tuple[LedgerEntry, ...]) -> bool:
    """Return whether the smoke test of this release passed in this environment, with the same settings."""
    return any(each.digest == entry.digest and each.smoke_test for each in ledger)


def how(entry: LedgerEntry) -> str:
    """Return how the release entered the environment."""
    if entry.components:
        return f"rollback of {', '.join(entry.components)}: {entry.reason}"
    if entry.kind == "rollback":
        return f"rollback: {entry.reason}"
    return f"pipeline, bypassed {', '.join(entry.bypassed)}: {entry.bypass_reason}" if entry.bypassed else "pipeline"
