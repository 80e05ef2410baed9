"""Models of a JSON source: which values of an API's answers are the entries, and how they are requested."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, model_validator

from vectora_shared.config.section import MisfitError, Section
from vectora_shared.config.wording import did_you_mean

PERIOD_NAMES = ("from_date", "to_date")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# Directives of strftime that print digits in every locale.
_PERIOD = re.compile(r"(from_date|to_date)(?::((?:%[YymdjHMS]|[-/.,:_+TZ]){1,40}))?")
# Names of query parameters that carry a credential. The catalogue is in git, in buckets and in reports.
_SECRETS = re.compile(
    r"(?:.*[-_.])?(?:api[-_.]?key|key|token|access[-_.]?token|secret|password|signature|sig)", re.IGNORECASE
)
MAX_PATH_CHARACTERS = 500


def _path(text: str) -> str:
    """Return a JMESPath expression; raise ValueError when it is none or calls a function that does not exist."""
    import jmespath
    from jmespath.exceptions import JMESPathError
    from jmespath.functions import Functions

    try:
        tree = jmespath.compile(text).parsed
    except (JMESPathError, RecursionError) as error:
        reason = " ".join(str(error).split("\n")[0].split())[:120]
        raise ValueError(f"is not a JMESPath expression ({reason}): see https://jmespath.org") from error
    for name in _functions(tree):
        if name not in Functions.FUNCTION_TABLE:
            near = did_you_mean(name, Functions.FUNCTION_TABLE)
            raise ValueError(f"calls '{name}', which is no function of JMESPath: {near}see https://jmespath.org")
    return text


def _functions(tree: Any) -> Iterator[str]:
    pending: list[Any] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") == "function_expression":
                yield str(node["value"])
            pending += node.get("children", ())
        elif isinstance(node, list):
            pending += node


JsonPath = Annotated[str, Field(min_length=1, max_length=MAX_PATH_CHARACTERS), AfterValidator(_path)]


def _is_address(text: str) -> bool:
    return re.match(r"https?://", text) is not None


def _link(text: str) -> str:
    if not _is_address(text):
        return _path(text)
    if _PLACEHOLDER.findall(text) != ["id"]:
        raise ValueError("is an address without exactly one {id}: write it where the entry's id belongs")
    return text


def _details_address(text: str) -> str:
    if _PLACEHOLDER.findall(text) != ["ids"]:
        raise ValueError("must have exactly one placeholder, {ids}: write it where the ids belong")
    if problem := secret_problem(text):
        raise ValueError(problem)
    return text


Link = Annotated[str, Field(min_length=1, max_length=MAX_PATH_CHARACTERS), AfterValidator(_link)]
DetailsAddress = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S*$"), AfterValidator(_details_address)]
ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-\[\]]{1,64}$")]


class DetailsRequest(Section):
    """Second request, for APIs whose search answers with ids only."""

    ids: JsonPath = Field(description="JMESPath of the list of ids in the first answer.")
    url: DetailsAddress = Field(
        description="Address of the entries, with {ids}, which becomes up to 200 ids with commas."
    )


class NextPage(Section):
    """Way to the next page of an answer: its complete address, or the value of a query parameter."""

    address: JsonPath | None = Field(default=None, description="JMESPath of the complete address of the next page.")
    parameter: ParameterName | None = Field(
        default=None, description="Query parameter that names the next page, such as pageToken or skip."
    )
    value: JsonPath | None = Field(
        default=None, description="JMESPath of the parameter's value; a null, false or empty one ends the pages."
    )

    @model_validator(mode="after")
    def _is_one_way(self) -> NextPage:
        if (self.address is None) == (self.parameter is None) or (self.parameter is None) != (self.value is None):
            raise MisfitError(((), "has neither address alone nor parameter with value: give one of the two ways"))
        return self


class JsonMapping(Section):
    """Places of the entries and of their parts in an API's answers, as JMESPath expressions."""

    items: JsonPath = Field(description="JMESPath of the list of entries in an answer, such as results.")
    title: JsonPath = Field(description="JMESPath of the title within an entry.")
    link: Link = Field(
        description="JMESPath of the address within an entry, or an address with {id}, such as https://example.org/{id}."
    )
    id: JsonPath | None = Field(default=None, description="JMESPath of the id within an entry, for {id} in link.")
    date: JsonPath | None = Field(default=None, description="JMESPath of the publication date within an entry.")
    content: JsonPath | None = Field(
        default=None, description="JMESPath of the text within an entry; a list becomes one line per text."
    )
    author: JsonPath | None = Field(default=None, description="JMESPath of the author or authors within an entry.")
    tags: JsonPath | None = Field(default=None, description="JMESPath of the list of keywords within an entry.")
    error: JsonPath | None = Field(
        default=None, description="JMESPath of the error message that the API gives instead of entries."
    )
    nothing_found: JsonPath | None = Field(
        default=None, description="JMESPath that is true in an answer, also an error, that means no results."
    )
    details: DetailsRequest | None = Field(
        default=None, description="Second request, for APIs whose search answers with ids only."
    )
    next_page: NextPage | None = Field(default=None, description="Way to the next page of an answer; else one is read.")

    @model_validator(mode="after")
    def _id_is_given(self) -> JsonMapping:
        if _is_address(self.link) and self.id is None:
            raise MisfitError((("link",), "has {id}, and the mapping names no id: add the key id"))
        return self


def link_template(mapping: JsonMapping) -> str | None:
    """Return the address with {id} that makes the links, or None when a path finds them."""
    return mapping.link if _is_address(mapping.link) else None


def secret_problem(url: str) -> str | None:
    """Return the problem of an address that carries a credential, or None."""
    try:
        names = [name for name, value in parse_qsl(urlsplit(url).query) if value]
    except ValueError:
        return None
    found = next((name for name in names if _SECRETS.fullmatch(name)), None)
    return f"has the query parameter {found}: a key is never written here, so remove it" if found else None


def placeholder_problem(url: str) -> str | None:
    """Return the problem of an address with a placeholder that no run fills in, or None."""
    for inner in _PLACEHOLDER.findall(url):
        if not _PERIOD.fullmatch(inner):
            near = did_you_mean(inner.partition(":")[0], PERIOD_NAMES)
            return (
                f"has the placeholder {{{inner}}}: {near}allowed are {{from_date}} and {{to_date}}, also with a format "
                "of digits, as in {from_date:%Y/%m/%d}"
            )
    return None


def with_period(url: str, first: date, last: date) -> str:
    """Return the address with the first and last day of a run's period in its placeholders."""

    def day(match: re.Match[str]) -> str:
        period = _PERIOD.fullmatch(match[1])
        if period is None:
            return match[0]
        return (first if period[1] == "from_date" else last).strftime(period[2] or "%Y-%m-%d")

    return _PLACEHOLDER.sub(day, url)
