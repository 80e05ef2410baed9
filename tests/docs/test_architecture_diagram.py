"""The diagram of the architecture is that of the golden templates."""

from __future__ import annotations

from tests.repository import ROOT
from tools.write_architecture import DIAGRAM, diagram_page


def test_the_diagram_is_that_of_the_golden_templates() -> None:
    assert (ROOT / DIAGRAM).read_text(encoding="utf-8") == diagram_page(), (
        f"{DIAGRAM} is outdated: run `make templates`"
    )
