"""The review is deployed alone: its package contains all that it imports, and its words know every setting."""

from __future__ import annotations

import ast
import sys
import zipfile

from stacks.assets.packages import Packages
from tests.repository import ROOT
from vectora_ops.settings import Promotion
from vectora_review.policy_words import SETTINGS, WINDOWS

OF_THE_RUNTIME = {"boto3", "botocore"}


def test_the_package_contains_everything_that_it_imports() -> None:
    with zipfile.ZipFile(Packages(ROOT, "lambda").review().path) as archive:
        sources = {name: archive.read(name).decode("utf-8") for name in archive.namelist()}
    modules = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in sources}
    imported = {
        name
        for source in sources.values()
        for node in ast.walk(ast.parse(source))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    missing = {each for each in imported if each.partition(".")[0] not in sys.stdlib_module_names | OF_THE_RUNTIME}
    assert missing <= modules
    assert "vectora_review.function" in modules


def test_the_words_know_every_setting_of_a_promotion_policy() -> None:
    # When a promotion is tried again loosens and tightens nothing.
    fields = {name: field.default for name, field in Promotion.model_fields.items() if name != "retry_at"}
    assert {*SETTINGS, WINDOWS} == set(fields)
    for name, (default, _) in SETTINGS.items():
        field = Promotion.model_fields[name]
        assert field.is_required() or default == field.default, name
