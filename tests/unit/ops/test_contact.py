"""Contact address of the operator: given, or the repository's web page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.ops.environments import VALID, load_text
from vectora_core.ingest.fetch import user_agent


def test_without_a_contact_sites_find_the_repository(tmp_path: Path) -> None:
    settings = load_text(tmp_path, VALID.replace("inbox\n  approval", "(inbox)\n  approval"))

    assert settings.contact_address == "https://github.com/vectora-inbox/vectora-%28inbox%29"
    assert settings.contact_address in user_agent(settings.contact_address)


@pytest.mark.parametrize("contact", ["news@example.org", "https://example.org/bots?for=readers"])
def test_a_given_contact_is_named_to_sites(tmp_path: Path, contact: str) -> None:
    settings = load_text(tmp_path, f"{VALID}\ncontact: {contact}\n")

    assert settings.contact_address == contact
    assert contact in user_agent(contact)
