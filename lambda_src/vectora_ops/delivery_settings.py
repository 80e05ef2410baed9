"""Settings of the sending of newsletters by e-mail."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vectora_shared.config.delivery import Addresses, address_problem
from vectora_shared.config.section import MisfitError, Section


def _identity(identity: str) -> str:
    """Return a domain or an address, the domain in lower case; raise ValueError for anything else."""
    if problem := address_problem(identity if "@" in identity else f"x@{identity}"):
        raise ValueError(f"a domain or an address that is verified in SES is expected; this {problem}")
    local, at, domain = identity.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def readers_problem(delivery: Delivery | None, *, scheduled: bool) -> str | None:
    """Return why an environment before the last may not send its issues so, as the end of a sentence, or None."""
    if delivery is None or not scheduled or delivery.mode == "redirect":
        return None
    return (
        "is recipients, so that readers would get each issue of this environment's schedule besides that of prod: use "
        "redirect, or set schedule.enabled to false"
    )


class Delivery(Section):
    """Sending of newsletters by e-mail from an environment."""

    mode: Literal["redirect", "recipients"] = Field(
        description="redirect (all messages go to redirect_to) or recipients (to the readers in the clients' files)"
    )
    identity: Annotated[str, AfterValidator(_identity)] = Field(
        description="domain or address that is verified in SES, and that the senders of all clients belong to"
    )
    redirect_to: Addresses = ()

    @model_validator(mode="after")
    def _redirect_has_addresses(self) -> Delivery:
        if (self.mode == "redirect") != bool(self.redirect_to):
            needed = "is needed with mode redirect" if self.mode == "redirect" else "is for mode redirect only"
            raise MisfitError((("redirect_to",), f"{needed}: addresses that get every newsletter of the environment"))
        return self

    def covers(self, sender: str) -> bool:
        """Return whether messages from this address may be sent: a domain covers its subdomains (SES guide)."""
        return any(fnmatchcase(sender, pattern) for pattern in self.sender_patterns)

    @property
    def sender_patterns(self) -> tuple[str, ...]:
        """Patterns of the senders that the identity covers, with * for any text."""
        return (self.identity,) if "@" in self.identity else (f"*@{self.identity}", f"*@*.{self.identity}")
