"""Every locked package is in the bill of materials with its hashes, and has a licence that is allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.repository import ROOT
from tools.supply_chain.bill import bill_of_materials
from tools.supply_chain.inventory import LAYER_LOCK, TOOLS_LOCKS, Hash, Package, inventory, locked
from tools.supply_chain.licences import declared_licence, is_allowed, licence_problems
from tools.supply_chain.settings import LicenceException, Licences, load_supply_chain
from vectora_shared.errors import ConfigurationError, VectoraError

ALLOWED = ("MIT", "Apache-2.0", "BSD License")


@pytest.fixture(scope="module")
def packages() -> tuple[Package, ...]:
    return inventory(ROOT)


def package(licence: str, name: str = "some", **changes: Any) -> Package:
    hashes = (Hash("SHA-256", "a" * 64),)
    return Package(ecosystem="pypi", name=name, version="1.0", licence=licence, hashes=hashes, **changes)


def metadata(*lines: tuple[str, str]) -> Message:
    message = Message()
    for key, value in lines:
        message[key] = value
    return message


def problems(packages: Sequence[Package], *exceptions: LicenceException) -> list[str]:
    return list(licence_problems(packages, Licences(allowed=ALLOWED, exceptions=exceptions)))


def test_all_packages_of_the_repository_have_allowed_licences(packages: tuple[Package, ...]) -> None:
    assert list(licence_problems(packages, load_supply_chain(ROOT).licences)) == []


def test_every_locked_package_of_the_layer_is_in_the_bill_as_required(packages: tuple[Package, ...]) -> None:
    bill = json.loads(bill_of_materials(packages, load_supply_chain(ROOT).licences, "1.2.3"))
    required = {each["name"]: each["version"] for each in bill["components"] if each["scope"] == "required"}
    on_lambda = {each.name: each.version for each in locked(ROOT / LAYER_LOCK) if not each.marker}
    assert on_lambda.items() <= required.items()
    assert {"pydantic", "urllib3", "tzdata"} <= required.keys()
    excluded = {each["name"] for each in bill["components"] if each["scope"] == "excluded"}
    assert {"aws-cdk-lib", "pytest", "aws-cdk"} <= excluded


def test_the_bill_is_valid_has_hashes_and_licences_and_is_the_same_each_time(packages: tuple[Package, ...]) -> None:
    licences = load_supply_chain(ROOT).licences
    text = bill_of_materials(packages, licences, "1.2.3")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text == bill_of_materials(tuple(reversed(packages)), licences, "1.2.3")
    bill = json.loads(text)
    assert all(each["licenses"] for each in bill["components"])
    assert all(file["hashes"] for each in bill["components"] for file in each["externalReferences"])
    assert "timestamp" not in json.dumps(bill["metadata"])
    assert bill["serialNumber"] != json.loads(bill_of_materials(packages, licences, "1.2.4"))["serialNumber"]


def test_the_bill_says_which_package_needs_which(packages: tuple[Package, ...]) -> None:
    bill = json.loads(bill_of_materials(packages, load_supply_chain(ROOT).licences, "1.2.3"))
    needs = {each["ref"].partition("@")[0]: each.get("dependsOn", []) for each in bill["dependencies"]}
    assert any(each.startswith("pkg:pypi/pydantic-core@") for each in needs["pkg:pypi/pydantic"])
    assert len(needs["vectora-inbox"]) == len(bill["components"])


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ([("License-Expression", "MIT OR Apache-2.0"), ("License", "GPL")], "MIT OR Apache-2.0"),
        ([("License", "BSD-3-Clause"), ("Classifier", "License :: OSI Approved :: BSD License")], "BSD-3-Clause"),
        ([("License", "BSD"), ("Classifier", "License :: OSI Approved :: BSD License")], "BSD License"),
        ([("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        (
            [
                ("Classifier", "License :: OSI Approved :: MIT License"),
                ("Classifier", "License :: OSI Approved :: Apache Software License"),
            ],
            "Apache-2.0 AND MIT",
        ),
        ([("Classifier", "License :: OSI Approved"), ("License", "Custom")], "Custom"),
        ([("License", "Permission is granted\nto anybody")], ""),
        ([], ""),
    ],
)
def test_the_licence_of_a_package_is_read_from_its_metadata(lines: list[tuple[str, str]], licence: str) -> None:
    assert declared_licence(metadata(*lines)) == licence


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MIT AND (GPL-2.0-only OR Apache-2.0)", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("BSD License", True),
        ("Custom", False),
        ("", False),
    ],
)
def test_a_licence_is_allowed_when_one_of_its_choices_is(licence: str, allowed: bool) -> None:
    assert is_allowed(licence, ALLOWED) == allowed


def test_a_licence_that_is_not_allowed_is_named_with_what_to_do() -> None:
    [problem] = problems([package("AGPL-3.0-only", deployed=True), package("MIT", "other")])
    assert problem.startswith("some 1.0 (layer, pypi) has the licence 'AGPL-3.0-only', which is not allowed: ")
    [problem] = problems([package("")])
    assert problem.startswith("some 1.0 (tools, pypi) names no licence: ")


def test_an_exception_answers_one_package_and_must_be_needed() -> None:
    exception = LicenceException(package="some", licence="Zlib", reason="read by ann")
    assert problems([package("")], exception) == []
    assert json.loads(bill_of_materials([package("")], Licences(allowed=ALLOWED, exceptions=(exception,)), "1.0"))[
        "components"
    ][0]["licenses"] == [{"license": {"id": "Zlib"}}]
    assert problems([package("MIT")], exception) == [
        "config/supply-chain.yaml: no package needs the exception of some: remove it."
    ]
    [problem] = problems([package("")], exception.model_copy(update={"licence": "mine"}))
    assert "which is no SPDX expression" in problem


def lock(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    ["some==1.0\n", "some>=1.0 \\\n    --hash=sha256:" + "a" * 64 + "\n", "https://files.example/some.whl\n"],
)
def test_a_lock_with_an_entry_that_no_hash_verifies_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(VectoraError, match="which is no version with hashes: make lock"):
        list(locked(lock(tmp_path, text)))


def test_all_entries_of_the_repositorys_locks_are_read() -> None:
    for name in (LAYER_LOCK, *TOOLS_LOCKS):
        text = (ROOT / name).read_text(encoding="utf-8")
        entries = list(locked(ROOT / name))
        assert len(entries) == text.count("==") - text.count(" == ")
        assert sum(len(each.hashes) for each in entries) == text.count("--hash=")


def test_a_package_that_is_not_installed_as_it_is_locked_is_named(tmp_path: Path) -> None:
    for name in (LAYER_LOCK, *TOOLS_LOCKS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"pyyaml==0.0.1 \\\n    --hash=sha256:{'a' * 64}\n", encoding="utf-8")
    with pytest.raises(VectoraError, match=r"pyyaml is installed in version .* and locked in 0\.0\.1: run make"):
        inventory(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("policy: reported", "policy: never", "allowed are reported, required"),
        ("answers: []", "answers: [{id: X-1, package: some, reason: x, until: 2026-02-30}]", "which is no date"),
        ("answers: []", "answers: [{id: X-1, package: some, until: 2026-02-28}]", "is missing: add it"),
        ("allowed:", "alowed:", "did you mean 'allowed'?"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_their_place(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    text = (ROOT / "config" / "supply-chain.yaml").read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "supply-chain.yaml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_supply_chain(tmp_path)
    assert words in str(refused.value)
    assert str(refused.value).startswith("config/supply-chain.yaml, line ")
