"""Code in each layer: reached by a function that has the layer, and in no layer without need."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from stacks.assets.packages import Packages
from tests.repository import ROOT

SOURCE = ROOT / "lambda_src"
SHARED, ENGINE, OPERATIONS = "vectora_shared", "vectora_core", "vectora_ops"
PACKAGES = (SHARED, ENGINE, OPERATIONS)
ENGINE_FUNCTIONS = ("ingest_v2", "normalize_score_v2", "newsletter_v2", "deliver_v2", "publish_configuration")
OPERATIONS_FUNCTIONS = ("promotion", "rollback", "smoke_test", "snapshot", "watch")
# With its own package instead of a layer, which tests/unit/promotion/test_relay.py compares with its imports.
RELAY = ("pipeline_relay",)


def _module_files() -> dict[str, Path]:
    paths = (path for name in PACKAGES for path in (SOURCE / name).rglob("*.py"))
    return {_module_name(path): path for path in paths}


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = _module_files()


@cache
def _imports(path: Path) -> frozenset[str]:
    """Return the modules of lambda_src that a file imports anywhere, except for type checking alone."""
    return frozenset(_imported(ast.parse(path.read_text(encoding="utf-8"))))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for other in node.orelse:
            yield from _imported(other)
        return
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        # A name that is imported from a package may itself be a module.
        names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    for name in names:
        parts = name.split(".")
        # An import of a module also runs the packages around it.
        yield from (found for end in range(len(parts)) if (found := ".".join(parts[: end + 1])) in MODULES)
    for child in ast.iter_child_nodes(node):
        yield from _imported(child)


def _reached_by(functions: tuple[str, ...]) -> set[str]:
    reached: set[str] = set()
    files = [path for function in functions for path in (SOURCE / function).glob("*.py")]
    pending = [name for path in files for name in _imports(path)]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += _imports(MODULES[name])
    return reached


def _modules_of(package: str) -> set[str]:
    return {name for name in MODULES if name.partition(".")[0] == package}


def test_every_function_is_one_of_the_engine_or_of_the_operations_or_the_relay() -> None:
    functions = {path.parent.name for path in SOURCE.glob("*/handler.py")}
    assert functions == {*ENGINE_FUNCTIONS, *OPERATIONS_FUNCTIONS, *RELAY}


def test_every_module_is_reached_by_some_function() -> None:
    assert set(MODULES) - _reached_by((*ENGINE_FUNCTIONS, *OPERATIONS_FUNCTIONS)) == set()


@pytest.mark.parametrize(
    ("package", "functions"),
    [
        (ENGINE, ENGINE_FUNCTIONS),
        (OPERATIONS, OPERATIONS_FUNCTIONS),
        (SHARED, ENGINE_FUNCTIONS),
        (SHARED, OPERATIONS_FUNCTIONS),
    ],
)
def test_every_module_of_a_layer_is_reached_by_a_function_with_that_layer(
    package: str, functions: tuple[str, ...]
) -> None:
    assert _modules_of(package) - _reached_by(functions) == set()


@pytest.mark.parametrize(
    ("functions", "other"), [(ENGINE_FUNCTIONS, OPERATIONS), (OPERATIONS_FUNCTIONS, ENGINE), (RELAY, ENGINE)]
)
def test_no_function_imports_code_of_the_other_layer(functions: tuple[str, ...], other: str) -> None:
    assert _reached_by(functions) & _modules_of(other) == set()


@pytest.mark.parametrize(("package", "other"), [(ENGINE, OPERATIONS), (OPERATIONS, ENGINE)])
def test_engine_and_operations_do_not_import_each_other(package: str, other: str) -> None:
    importers = {name for name in _modules_of(package) if _imports(MODULES[name]) & _modules_of(other)}
    assert importers == set()


def test_shared_code_imports_neither_engine_nor_operations() -> None:
    importers = {name for name in _modules_of(SHARED) if _imports(MODULES[name]) - _modules_of(SHARED)}
    assert importers == set()


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("vectora_core/items.py", {"engine"}),
        ("vectora_ops/names.py", {"operations"}),
        ("vectora_shared/keys.py", {"engine", "operations"}),
        ("ingest_v2/handler.py", set()),
    ],
)
def test_an_edit_changes_only_the_layers_that_contain_the_file(edited: str, changed: set[str], tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "lambda_src")
    before = _layer_digests(tmp_path)
    with (tmp_path / "lambda_src" / edited).open("a", encoding="utf-8") as file:
        file.write("# An edit.\n")
    after = _layer_digests(tmp_path)
    assert {name for name in before if before[name] != after[name]} == changed


def _layer_digests(root: Path) -> dict[str, str]:
    packages = Packages(root, "lambda")
    return {"engine": packages.engine_layer().digest, "operations": packages.operations_layer().digest}
