"""Reviews of pipelines whose environments are in other accounts and regions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stacks.mappings import MAPPINGS, OTHER_REGION, SEVERAL
from tests.stacks.review.conftest import PEOPLE, assembly_files
from tests.stacks.review.pipeline_in_memory import World
from tools.templates import settings_in


@pytest.mark.parametrize("mapping", SEVERAL)
def test_the_assembly_of_environments_elsewhere_is_accepted(mapping: str, tmp_path: Path) -> None:
    files = assembly_files(tmp_path, settings_in(*MAPPINGS[mapping]))
    copies = f"vectora-inbox-pipeline-copies-{OTHER_REGION}.template.json"
    assert (copies in files) == (MAPPINGS[mapping][-1] == OTHER_REGION)

    world = World(files, people=PEOPLE)
    assert world.review(world.build()).is_accepted
