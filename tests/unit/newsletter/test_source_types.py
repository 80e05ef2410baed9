"""A newsletter names the kind of each source in its language, and other programs get its type."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.newsletter.letters import item
from vectora_core.newsletter.issue import _known_type
from vectora_core.newsletter.labels import origin
from vectora_core.newsletter.wording import Wording
from vectora_shared.config.sources import SOURCE_TYPES


@pytest.mark.parametrize(
    ("language", "source_type", "kind"),
    [
        ("en", "regulator", "Regulator"),
        ("fr", "regulator", "Autorité de santé"),
        ("sv", "registry", "Register"),
        ("en", "literature", "Scientific article"),
        ("en", "press_corporate", "Company release"),
    ],
)
def test_the_kind_of_a_source_is_shown_beside_its_name(language: str, source_type: str, kind: str) -> None:
    shown = item(source="A source", source_type=source_type, published=date(2026, 2, 2))
    assert origin(shown, Wording(language)).startswith(f"A source · {kind} · ")


@pytest.mark.parametrize("source_type", SOURCE_TYPES)
def test_every_type_stays_as_it_is(source_type: str) -> None:
    assert _known_type(source_type) == source_type


@pytest.mark.parametrize("source_type", ["", "press", "blog"])
def test_types_of_items_of_other_releases_are_shown_as_trade_press(source_type: str) -> None:
    assert _known_type(source_type) == "press_sector"
