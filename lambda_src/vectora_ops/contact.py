"""Address at which owners of news sites reach the operator, as requests of the ingestion name it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from vectora_shared.config.delivery import address_problem

LONGEST_CONTACT = 200
# It stands in a comment of the User-Agent, whose end is a parenthesis (RFC 9110, section 5.6.5).
_WEB_PAGE = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-'*-~]*)?")


def _contact(contact: str) -> str:
    is_web_page = _WEB_PAGE.fullmatch(contact) and len(contact) <= LONGEST_CONTACT
    if not is_web_page and (problem := address_problem(contact)):
        raise ValueError(f"an e-mail address, or an https address without parentheses, is expected; this {problem}")
    return contact


def without_parentheses(address: str) -> str:
    """Return a web address with its parentheses in percent encoding."""
    return address.replace("(", "%28").replace(")", "%29")


ContactAddress = Annotated[str, AfterValidator(_contact)]
