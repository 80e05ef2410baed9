"""The review is deployed alone: its package contains all that it imports, and its words know every setting."""

from __future__ import annotations

import ast
import sys
import zipfile
from collections.abc import Iterator

from stacks.assets.packages import Packages
from tests.repository import ROOT
from vectora_ops.settings import Promotion
from vectora_review.policy_words import SETTINGS, WINDOWS

# urllib3 is a dependency of botocore.
OF_THE_RUNTIME = {"boto3", "botocore", "urllib3"}


def test_the_package_contains_everything_that_it_imports() -> None:
    with zipfile.ZipFile(Packages(ROOT, "lambda").review().path) as archive:
        sources = {name: archive.read(name).decode("utf-8") for name in archive.namelist()}
    modules = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in sources}
    imported = {name for source in sources.values() for name in _imported(ast.parse(source))}
    missing = {each for each in imported if each.partition(".")[0] not in sys.stdlib_module_names | OF_THE_RUNTIME}
    assert missing <= modules
    assert "vectora_review.function" in modules


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield the modules that are imported anywhere, except for type checking alone."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield str(node.module)
    for child in ast.iter_child_nodes(node):
        yield from _imported(child)


def test_the_words_know_every_setting_of_a_promotion_policy() -> None:
    # When a promotion is tried again loosens and tightens nothing.
    fields = {name: field.default for name, field in Promotion.model_fields.items() if name != "retry_at"}
    assert {*SETTINGS, WINDOWS} == set(fields)
    for name, (default, _) in SETTINGS.items():
        field = Promotion.model_fields[name]
        assert field.is_required() or default == field.default, name
