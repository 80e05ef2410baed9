"""Names of variables that may hold a secret."""

from __future__ import annotations

import re

_SECRET = re.compile(r"(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY)", re.IGNORECASE)
_NAMES_A_SECRET = re.compile(r"_(PARAM|PARAMETER|NAME|ARN)$", re.IGNORECASE)


def may_hold_secret(variable: str) -> bool:
    """Return whether a variable of this name may hold a secret, and not only the secret's own name."""
    return bool(_SECRET.search(variable)) and not _NAMES_A_SECRET.search(variable)
