"""Settings of the supply chain: the model of config/supply-chain.yaml."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from vectora_shared.config.section import NotationError, Section, read_file
from vectora_shared.config.values import Distinct
from vectora_shared.errors import ConfigurationError

SETTINGS_FILE = "config/supply-chain.yaml"


def _date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise NotationError("is no date: write one such as 2027-01-31") from error
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_date)]


class LicenceException(Section):
    """A package whose metadata names no allowed licence, with the licence that it has and the reason to accept it."""

    package: Text = Field(description="name of the package")
    licence: Text = Field(description="SPDX expression of the licence that it has, such as MIT")
    reason: Text = Field(description="why it is accepted, and how the licence is known")


class Licences(Section):
    allowed: Annotated[Distinct[Text], Field(min_length=1)] = Field(description="SPDX identifiers, such as MIT")
    exceptions: tuple[LicenceException, ...] = ()


class Answer(Section):
    """A known vulnerability that the release may have, until a date."""

    id: Text = Field(description="identifier of the advisory, such as GHSA-xxxx-xxxx-xxxx or CVE-2026-1234")
    package: Text = Field(description="name of the package")
    reason: Text = Field(description="why the release may have it")
    until: Day = Field(description="last day of the answer, such as 2027-01-31")

    @property
    def last_day(self) -> date:
        return date.fromisoformat(self.until)


class Audit(Section):
    policy: Literal["reported", "required"] = Field(
        description="reported (a build without an audit succeeds, and says so) or required (it fails)"
    )
    answers: tuple[Answer, ...] = ()


class SupplyChain(Section):
    licences: Licences = Field(description="a mapping: allowed, exceptions")
    audit: Audit = Field(description="a mapping: policy, answers")


def load_supply_chain(root: Path) -> SupplyChain:
    """Return the settings of the repository at `root`; raises ConfigurationError that names each error's place."""
    try:
        content = (root / SETTINGS_FILE).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{SETTINGS_FILE} is missing: add the file.") from error
    return read_file(SupplyChain, SETTINGS_FILE, content)
