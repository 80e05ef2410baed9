"""Variables of functions whose values a snapshot may show: those that this app sets, none of which is a secret."""

from __future__ import annotations

import hashlib
import hmac

# The key of a secret is the name of a parameter, not the secret itself.
KNOWN_VARIABLES = frozenset(
    {
        "ANALYZER",
        "ANALYZER_FALLBACK",
        "APPROVAL_DAYS",
        "BACKUP_REGION",
        "BEDROCK_MODEL_ID",
        "BEDROCK_REGION",
        "BUCKET_SUFFIX",
        "CONFIGURATION_SET",
        "CONFIG_BUCKET",
        "DATA_BUCKET",
        "DELIVERY_MODE",
        "ELSEWHERE",
        "ENV",
        "ALARM_NOISE_PERCENT",
        "FAILED_RUNS_A_DAY",
        "LOG_LEVEL",
        "MODEL_CONCURRENCY",
        "MODEL_MAX_ATTEMPTS",
        "MODEL_RETRY_MODE",
        "MONTHLY_BUDGET_USD",
        "NEWSLETTERS_BUCKET",
        "NEXT_ENV",
        "NEXT_PROMOTION",
        "NOISE_PERCENT",
        "NOTIFICATIONS_TOPIC_ARN",
        "PRECEDING_ENV",
        "PROJECT_NAME",
        "PROMOTION_WATCH_HOURS",
        "PUBMED_API_KEY_PARAM",
        "REDIRECT_TO",
        "RUN_SCHEDULE",
        "SNAPSHOT_KEEP_LAST",
        "SNAPSHOT_MINIMUM_AGE_DAYS",
        "USER_AGENT_CONTACT",
    }
)


def withheld(name: str, value: str, key: bytes) -> str:
    """Return what a snapshot holds instead of the value of an unknown variable.

    The digest differs when name or value do, and without the key the value cannot be found by it.
    """
    digest = hmac.new(key, f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()
    # The text is part of the snapshot's format: a changed word is a difference to all earlier snapshots.
    return f"withheld, hmac-sha256 {digest[:32]}"
