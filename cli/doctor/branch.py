"""Check of the rules that protect the branch whose commits are promoted, where the repository's host shows them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlparse
from urllib.request import Request, urlopen

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject

NAME = "branch protection"
TOKEN = "GITHUB_TOKEN"  # noqa: S105
GITHUB = "github.com"
SECONDS = 10
BY_HAND = (
    "look at the rules of the branch: no direct pushes, a review by someone else, no force pushes "
    "(docs/runbooks/pipeline.md, 'Protect the branch')"
)


def check_branch(subject: Subject) -> Iterator[Finding]:
    """Compare the branch's protection with what the pipeline relies on; without a token the result is unknown."""
    chosen = subject.settings.pipeline
    where, host = f"{chosen.branch} of {chosen.repository}", urlparse(chosen.web_address).hostname
    if host != GITHUB:
        yield Finding(NAME, "unknown", f"{host} is no host whose rules this command reads", BY_HAND)
        return
    token = os.environ.get(TOKEN)
    if not token:
        yield Finding(NAME, "unknown", f"{TOKEN} is not set, which is needed to read the rules of {where}", BY_HAND)
        return
    try:
        protection = _protection(chosen.repository, chosen.branch, token)
    except HTTPError as error:
        if error.code == 404:
            # GitHub answers 404 for an unprotected branch and to a token without the permission (REST API, branches).
            found = f"GitHub shows no protection of {where}: there is none, or the token may not read it"
            yield Finding(NAME, "unknown", found, BY_HAND)
        else:
            yield Finding(NAME, "unknown", f"GitHub answered {error.code}", BY_HAND)
        return
    except (URLError, TimeoutError, ValueError) as error:
        yield Finding(NAME, "unknown", f"GitHub did not answer: {error}", BY_HAND)
        return
    missing = missing_rules(protection)
    if missing:
        yield Finding(NAME, "unknown", f"{where} lacks: {'; '.join(missing)}", "add these rules, or know why not")
    else:
        yield Finding(NAME, "pass", f"{where}: reviews are required, force pushes and deletions are not allowed")


def missing_rules(protection: dict[str, Any]) -> list[str]:
    """Return the rules that a protection lacks (GitHub REST API, Get branch protection)."""
    reviews = protection.get("required_pull_request_reviews") or {}
    rules = {
        "a required review": int(reviews.get("required_approving_review_count") or 0) >= 1,
        "reviews that end with a new push": bool(reviews.get("dismiss_stale_reviews")),
        "rules for administrators too": _enabled(protection, "enforce_admins"),
        "no force pushes": not _enabled(protection, "allow_force_pushes"),
        "no deletion": not _enabled(protection, "allow_deletions"),
    }
    return [name for name, holds in rules.items() if not holds]


def _enabled(protection: dict[str, Any], rule: str) -> bool:
    return bool((protection.get(rule) or {}).get("enabled"))


def _protection(repository: str, branch: str, token: str) -> dict[str, Any]:
    address = f"https://api.github.com/repos/{quote(repository)}/branches/{quote(branch, safe='')}/protection"
    request = Request(address, headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"})
    with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


CHECK = Check(NAME, check_branch)
