"""Command line of `cdk bootstrap`: what is added to the user's own options."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from cli.bootstrap.command import bootstrap_arguments, environment_in_context
from tests.stacks.bootstraps import TEMPLATE
from tests.unit.ops.environments import VALID
from vectora_shared.errors import ConfigurationError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with four accounts, and prod in another region."""
    text = VALID.replace("pipeline:\n", 'pipeline:\n  account: "111111111111"\n')
    for env, account in (("dev", "2" * 12), ("stage", "3" * 12), ("prod", "4" * 12)):
        text = text.replace(f"  {env}:\n", f'  {env}:\n    account: "{account}"\n', 1)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "environments.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def _options(arguments: list[str]) -> dict[str, str]:
    return {name: value for name, value in pairwise(arguments) if name.startswith("--")}


def _added(root: Path, *arguments: str) -> list[str]:
    return bootstrap_arguments(root, arguments, lambda: TEMPLATE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--context", "env=stage"),
        ("-c", "env=stage"),
        ("--context=env=stage",),
        ("-cenv=stage",),
        ("--context", "lambda-platform=host", "--context", "env=stage"),
    ],
)
def test_the_environment_is_found_in_every_form_of_the_option(arguments: tuple[str, ...]) -> None:
    assert environment_in_context(arguments) == "stage"


@pytest.mark.parametrize("arguments", [(), ("--context", "other=stage"), ("--profile", "env=stage")])
def test_without_an_environment_it_is_the_pipeline(arguments: tuple[str, ...]) -> None:
    assert environment_in_context(arguments) is None


def test_an_environment_gets_its_own_bootstrap_in_its_account(root: Path) -> None:
    arguments = _added(root, "--context", "env=stage")
    options = _options(arguments)
    assert arguments[0] == "aws://333333333333/eu-west-3"
    assert options["--toolkit-stack-name"].endswith("-toolkit-stage")
    assert options["--qualifier"].endswith("stage")
    assert options["--cloudformation-execution-policies"].endswith("-execution-stage")
    assert options["--trust"] == "111111111111"
    assert Path(options["--template"]).is_file()


def test_the_pipeline_is_bootstrapped_in_its_own_account_and_trusts_no_other(root: Path) -> None:
    arguments = _added(root)
    assert [each for each in arguments if each.startswith("aws://")] == ["aws://111111111111/eu-west-3"]
    assert "--trust" not in arguments
    assert _options(arguments)["--qualifier"].endswith("tools")


@pytest.mark.parametrize(
    "option", ["--qualifier", "--toolkit-stack-name", "--template", "--cloudformation-execution-policies", "--trust"]
)
@pytest.mark.parametrize("form", ["{option} mine", "{option}=mine"])
def test_an_option_of_the_user_has_priority(root: Path, option: str, form: str) -> None:
    arguments = _added(root, *form.format(option=option).split(), "--context", "env=dev")
    assert [each for each in arguments if each.partition("=")[0] == option] == [form.format(option=option).split()[0]]


def test_an_account_and_region_of_the_user_have_priority(root: Path) -> None:
    arguments = _added(root, "aws://999999999999/us-east-1")
    assert [each for each in arguments if each.startswith("aws://")] == ["aws://999999999999/us-east-1"]


def test_own_templates_of_the_user_get_no_execution_policy_that_they_do_not_create(root: Path) -> None:
    assert "--cloudformation-execution-policies" not in _added(root, "--template", "mine.yaml")


@pytest.mark.parametrize("value", ["env", "env=", "env=test"])
def test_an_unknown_environment_is_refused(root: Path, value: str) -> None:
    with pytest.raises(ConfigurationError):
        _added(root, "--context", value)
