"""Fixtures: the assembly of this checkout, and a pipeline in memory that has accepted it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
import pytest

from stacks.assets.packages import Package, Packages, dependencies_digest
from stacks.synthesis import synthesize_pipeline
from tests.repository import ROOT
from tests.stacks.review import assembly_changes as change
from tests.stacks.review.pipeline_in_memory import Files, World
from vectora_ops.settings import Settings, load_settings

PEOPLE = {"Ann@example.org": "ann"}


def assembly_files(folder: Path, settings: Settings) -> Files:
    """Return the files of this checkout's assembly, with a small package instead of the dependencies'."""
    layer = folder / "layer.zip"
    layer.write_bytes(change.package(b"dependencies"))
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Packages, "dependencies_layer", lambda packages: Package(layer, dependencies_digest(ROOT, "lambda"))
        )
        app = cdk.App(outdir=str(folder / "cdk.out"), context=context)
        synthesize_pipeline(app, root=ROOT, settings=settings, platform="lambda")
    found = Path(app.outdir)
    return {each.relative_to(found).as_posix(): each.read_bytes() for each in found.rglob("*") if each.is_file()}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return assembly_files(tmp_path_factory.mktemp("assembly"), load_settings(ROOT))


@pytest.fixture
def world(files: Mapping[str, bytes]) -> World:
    """Return a pipeline whose first execution was accepted."""
    found = World(files, people=PEOPLE)
    assert found.review(found.build()).is_accepted
    return found
