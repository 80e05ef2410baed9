"""People behind commits and AWS identities: authors' principals, and whether two identities are one person."""

from __future__ import annotations

from collections.abc import Mapping


def principal_of(author: str | None, people: Mapping[str, str]) -> str | None:
    """Return the AWS principal of an author's e-mail address; None if it is unknown."""
    by_address = {address.lower(): principal for address, principal in people.items()}
    return by_address.get(author.lower()) if author else None


def is_same(principal: str | None, arn: str | None) -> bool:
    """Return whether an ARN belongs to a principal: a user's name, the name of a role's session, or the whole ARN.

    Sessions of IAM Identity Center are named after the person (IAM user guide, sts:RoleSessionName).
    """
    if not principal or not arn:
        return False
    wanted, found = principal.lower(), arn.lower()
    return wanted in (found, found.rpartition("/")[2])


def name_of(arn: str | None) -> str:
    """Return an identity as people read it, such as assumed-role/Approver/ann."""
    return arn.split(":", 5)[-1] if arn else "unknown"
