"""A release is identified by what is deployed: the same on every checkout, and another one when anything changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from pydantic import BaseModel

from stacks import builds, environment, synthesis
from stacks.assets import assembly as assembly_module
from stacks.assets.assembly import MANIFEST, neutral_templates, record_releases
from stacks.assets.packages import Package, Packages, dependencies_digest
from stacks.assets.release import PLACEHOLDER, Release, Releases, read_releases, templates_digest
from stacks.content import content_digest, neutral_settings
from stacks.synthesis import synthesize_environment, synthesized_releases
from tests.repository import ROOT
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings
from vectora_shared.errors import VectoraError

CONTEXT = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
DEPLOYED = ("app.py", "cdk.json", "requirements.txt", "package.json", "package-lock.json", "CHANGELOG.md")
DEPLOYED_FOLDERS = ("checkout", "stacks", "constructs", "lambda_src", "config")
OPERATORS = ("cli", "adoption", "client_files", "rehearsal", "terminal", "tools", "docs", "tests")
BINARY = shutil.ignore_patterns("__pycache__", "*.pyc")
Assembly = tuple[Path, Releases]


@pytest.fixture(scope="module")
def here() -> Releases:
    """Return the release of this checkout."""
    return synthesized_releases(ROOT)


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Return an assembly of dev with its release."""
    return _synthesized(tmp_path_factory.mktemp("dev"))


def _synthesized(folder: Path, root: Path = ROOT, settings: Settings | None = None) -> Assembly:
    app = cdk.App(outdir=str(folder), context=CONTEXT)
    synthesize_environment(app, root=root, settings=settings or load_settings(root), env="dev", platform="lambda")
    return folder, read_releases(folder)


def _copy(target: Path, *, change: Callable[[Path, bytes], bytes] = lambda path, content: content) -> Path:
    """Copy all that a synthesis reads, with each file's content changed by `change`."""
    for name in DEPLOYED_FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=BINARY)
    for name in DEPLOYED:
        shutil.copy(ROOT / name, target / name)
    for path in target.rglob("*"):
        if path.is_file():
            path.write_bytes(change(path.relative_to(target), path.read_bytes()))
    (target / "build").symlink_to(ROOT / "build")
    return target


# --- the same on every checkout


def _windows(path: Path, content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


def test_a_checkout_with_other_line_ends_umask_and_leftovers_has_the_same_digests(
    tmp_path: Path, here: Releases
) -> None:
    umask = os.umask(0o077)
    try:
        root = _copy(tmp_path / "checkout", change=_windows)
        for folder in ("stacks", "constructs", "lambda_src/vectora_ops", "lambda_src/ingest_v2"):
            (root / folder / "__pycache__").mkdir()
            (root / folder / "__pycache__" / "left.cpython-311.pyc").write_bytes(b"x")
            (root / folder / ".left.swp").write_bytes(b"x")
        for name in OPERATORS:
            (root / name).mkdir()
            (root / name / "code.py").write_text("# operators only", encoding="utf-8")
        (root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 1\n", encoding="utf-8")
        code = (
            "import json, pathlib, sys\n"
            "from dataclasses import asdict\n"
            "from stacks.synthesis import synthesized_releases\n"
            "print(json.dumps(asdict(synthesized_releases(pathlib.Path(sys.argv[1])))))\n"
        )
        paths = os.pathsep.join(str(root / folder) for folder in (".", "constructs", "lambda_src"))
        printed = subprocess.run(
            [sys.executable, "-c", code, str(root)],
            env={**os.environ, "PYTHONPATH": paths},
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
    finally:
        os.umask(umask)
    assert Releases(**json.loads(printed.splitlines()[-1])) == here


def test_a_release_of_the_rehearsal_has_the_digest_that_it_has_on_aws(
    tmp_path: Path, assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = tmp_path / "layer.zip"
    layer.write_bytes(b"packages for this machine")
    package = Package(layer, dependencies_digest(ROOT, "host"))
    monkeypatch.setattr(Packages, "dependencies_layer", lambda packages: package)
    app = cdk.App(outdir=str(tmp_path / "cdk.out"), context=CONTEXT)
    synthesize_environment(app, root=ROOT, settings=load_settings(ROOT), env="dev", platform="host")
    assert read_releases(tmp_path / "cdk.out").digests == assembly[1].digests


def test_the_version_is_part_of_no_digest(tmp_path: Path, assembly: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly_module, "version_of", lambda root: "9.8.7")
    folder, releases = _synthesized(tmp_path)
    assert releases.version == "9.8.7"
    assert releases.digests == assembly[1].digests
    [runtime] = [each for each in neutral_templates_of(folder).values() if "Release" in each["Resources"]]
    assert json.loads(runtime["Resources"]["Release"]["Properties"]["Value"]) == json.loads(PLACEHOLDER.as_json())


def neutral_templates_of(folder: Path) -> dict[str, Any]:
    return neutral_templates(folder, {})


# --- another one when anything changes that is deployed


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _copy(tmp_path_factory.mktemp("changed") / "checkout")


@pytest.fixture
def changed(checkout: Path) -> Iterator[Callable[[str], None]]:
    """Append a comment to a file of the copy, for one test."""
    originals: dict[Path, bytes] = {}

    def change(name: str) -> None:
        path = checkout / name
        originals[path] = path.read_bytes()
        path.write_bytes(originals[path] + b"# changed\n")

    yield change
    for path, content in originals.items():
        path.write_bytes(content)


@pytest.mark.parametrize(
    "name",
    [
        "lambda_src/ingest_v2/handler.py",
        "lambda_src/vectora_core/items.py",
        "lambda_src/vectora_ops/records.py",
        "lambda_src/vectora_shared/keys.py",
        "config/clients/lai_weekly.yaml",
        "config/canonical/models/pricing.yaml",
    ],
)
def test_changed_code_or_content_of_a_package_changes_the_content_digest(
    checkout: Path, changed: Callable[[str], None], here: Releases, name: str
) -> None:
    changed(name)
    assert content_digest(checkout, CONTEXT, "lambda") != here.content_digest


def test_a_changed_client_changes_the_digest_of_an_environment(
    checkout: Path, changed: Callable[[str], None], tmp_path: Path, here: Releases
) -> None:
    changed("config/clients/lai_weekly.yaml")
    assert _synthesized(tmp_path, checkout)[1].digests["dev"] != here.digests["dev"]


def _widened_policy(templates: dict[str, Any]) -> None:
    [iam] = [each for name, each in templates.items() if "s0-iam" in name]
    role = next(each for each in iam["Resources"].values() if each["Type"] == "AWS::IAM::Role")
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = "*"


def _longer_timeout(templates: dict[str, Any]) -> None:
    [runtime] = [each for name, each in templates.items() if "s1-runtime" in name]
    runtime["Resources"]["NewsletterV2Function"]["Properties"]["Timeout"] += 1


def _other_output(templates: dict[str, Any]) -> None:
    next(each for each in templates.values() if "Outputs" in each)["Outputs"]["More"] = {"Value": "1"}


@pytest.mark.parametrize("change", [_widened_policy, _longer_timeout, _other_output])
def test_any_change_of_a_template_changes_the_digest(
    assembly: Assembly, change: Callable[[dict[str, Any]], None]
) -> None:
    folder, releases = assembly
    templates = neutral_templates_of(folder)
    assert templates_digest(templates) == releases.digests["dev"]
    change(templates)
    assert templates_digest(templates) != releases.digests["dev"]


def test_a_setting_of_prod_changes_the_digest_of_prod_alone(here: Releases) -> None:
    settings = load_settings(ROOT)
    prod = settings.environments.prod
    logs = prod.logs.model_copy(update={"retention_days": 731})
    environments = settings.environments.model_copy(update={"prod": prod.model_copy(update={"logs": logs})})
    changed = synthesized_releases(ROOT, settings.model_copy(update={"environments": environments}))
    assert changed.content_digest == here.content_digest
    assert {env for env in ENVIRONMENT_NAMES if changed.digests[env] != here.digests[env]} == {"prod"}


def test_a_changed_buildspec_changes_the_content_digest_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, here: Releases
) -> None:
    monkeypatch.setattr(builds, "SYNTH_COMMANDS", (*builds.SYNTH_COMMANDS, "true"))
    assert content_digest(ROOT, CONTEXT, "lambda") != here.content_digest
    assert _synthesized(tmp_path)[1].digests["dev"] == here.digests["dev"]


def test_environments_have_digests_of_their_own(here: Releases) -> None:
    assert len({*here.digests.values(), here.content_digest}) == len(ENVIRONMENT_NAMES) + 1


# --- how the digest enters the assembly


def test_the_assembly_is_the_one_that_cdk_would_have_written(
    assembly: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, releases = assembly
    monkeypatch.setattr(environment, "PLACEHOLDER", Release(releases.version, releases.digests["dev"]))
    monkeypatch.setattr(synthesis, "record_releases", lambda *_, **__: releases)
    app = cdk.App(outdir=str(tmp_path), context=CONTEXT)
    synthesize_environment(app, root=ROOT, settings=load_settings(ROOT), env="dev", platform="lambda")
    names = {path.name for path in folder.iterdir()} - {"releases.json"}
    assert names == {path.name for path in tmp_path.iterdir()}
    for name in names - {"tree.json"}:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_recording_a_release_again_changes_nothing(assembly: Assembly, tmp_path: Path) -> None:
    folder, releases = assembly
    copy = shutil.copytree(folder, tmp_path / "again")
    assert record_releases(copy, {"dev": copy}, root=ROOT, platform="lambda") == releases
    for path in folder.iterdir():
        assert (copy / path.name).read_bytes() == path.read_bytes(), path.name


def test_an_interruption_leaves_an_assembly_that_the_cdk_refuses(
    assembly: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(assembly[0], tmp_path / "interrupted")
    monkeypatch.setattr(assembly_module, "version_of", lambda root: "9.8.7")

    def full(path: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        record_releases(copy, {"dev": copy}, root=ROOT, platform="lambda")
    assert not (copy / MANIFEST).exists()
    assert not list(copy.glob("*.partial"))


def test_the_pipelines_variables_come_from_an_assembly_of_the_pipeline(here: Releases, assembly: Assembly) -> None:
    assert here.variables() == {
        "RELEASE_VERSION": here.version,
        "RELEASE_CONTENT_DIGEST": here.content_digest,
        **{f"RELEASE_DIGEST_{env.upper()}": here.digests[env] for env in ENVIRONMENT_NAMES},
    }
    with pytest.raises(VectoraError, match="is that of one environment"):
        assembly[1].variables()


def test_a_folder_without_a_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectoraError, match="run cdk synth first"):
        read_releases(tmp_path)


# --- what the content covers


def _fields_left_at_their_default(model: BaseModel, path: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found |= _fields_left_at_their_default(value, f"{path}{name}.")
        elif not field.is_required() and value == field.get_default():
            found.add(f"{path}{name}")
    return found


def test_the_content_covers_every_optional_feature() -> None:
    """A feature that is disabled in the neutral environment could change without a new soak."""
    environments = neutral_settings().environments
    # Those of operators' access, and another suffix of names.
    others = {"profile", "operator_role", "bucket_suffix"}
    # A monitor of the account is created, or another one is named.
    assert _fields_left_at_their_default(environments.stage) == others | {"cost_anomalies.monitor"}
    # An account has notices on its cost once.
    assert environments.stage.model_copy(update={"cost_anomalies": None}) == environments.prod
    assert environments.stage.promotion.windows
    assert all(_fields_left_at_their_default(each) == set() for each in environments.stage.promotion.windows)
    # Nothing is promoted into dev, and settings that have no effect are refused.
    assert _fields_left_at_their_default(environments.dev) == others | {"cost_anomalies", "promotion.windows"}


def test_config_environments_has_no_influence_on_the_content(checkout: Path, here: Releases) -> None:
    path = checkout / "config" / "environments.yaml"
    original = path.read_text(encoding="utf-8")
    try:
        path.write_text(original.replace("project: vectora-inbox", "project: another"), encoding="utf-8")
        assert content_digest(checkout, CONTEXT, "lambda") == here.content_digest
    finally:
        path.write_text(original, encoding="utf-8")
