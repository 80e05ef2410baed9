"""Command line of `cdk bootstrap`: what a bootstrap of its own adds to the options that the user gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from cli.bootstrap.template import Bootstrap, bootstrap_of_environment, bootstrap_of_pipeline, bootstrap_template
from vectora_ops.settings import Settings, load_settings
from vectora_shared.errors import ConfigurationError

# As the CDK writes an account that the credentials decide (aws-cdk-lib, cx-api, UNKNOWN_ACCOUNT).
ACCOUNT_OF_THE_CALLER = "unknown-account"
CONTEXT_OPTIONS = ("-c", "--context")
PLACE = "aws://"


def bootstrap_arguments(root: Path, arguments: Sequence[str], template_of_the_cli: Callable[[], str]) -> list[str]:
    """Return the arguments of `cdk bootstrap` for `arguments`, with all that makes a bootstrap of its own.

    Each option that the user gave has priority. Raises VectoraError for an unknown environment, or a template of the
    CLI in another form than expected.
    """
    settings = load_settings(root)
    env = environment_in_context(arguments)
    bootstrap = bootstrap_of_pipeline(settings) if env is None else bootstrap_of_environment(settings, env)
    given = {argument.partition("=")[0] for argument in arguments}
    added: list[str] = []

    def add(option: str, value: str, *aliases: str) -> None:
        if not given & {option, *aliases}:
            added.extend([option, value])

    add("--qualifier", bootstrap.qualifier)
    add("--toolkit-stack-name", bootstrap.toolkit_stack)
    if "--template" not in given:
        # The template knows the execution policy, which it creates, by its name.
        add("--cloudformation-execution-policies", bootstrap.execution_policy_name)
        file = root / "build" / "bootstrap" / f"{bootstrap.toolkit_stack}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(bootstrap_template(template_of_the_cli(), bootstrap), indent=1), encoding="utf-8")
        add("--template", str(file))
    if bootstrap.trusted_account:
        add("--trust", bootstrap.trusted_account)
    named = any(argument.startswith(PLACE) for argument in arguments)
    return [*([] if named else places(settings, bootstrap, env)), *arguments, *added]


def places(settings: Settings, bootstrap: Bootstrap, env: str | None) -> list[str]:
    """Return where to bootstrap; the pipeline also has stacks in other regions of its account that it deploys to."""
    account = bootstrap.place.account
    regions = [bootstrap.place.region]
    if env is None:
        environments = (settings.environments.dev, settings.environments.stage, settings.environments.prod)
        regions += [each.region for each in environments]
    return [f"{PLACE}{account or ACCOUNT_OF_THE_CALLER}/{region}" for region in dict.fromkeys(regions)]


def environment_in_context(arguments: Sequence[str]) -> str | None:
    """Return the value of the context key env, which the CLI takes as `--context env=stage` and in other forms."""
    for entry in _context_entries(arguments):
        key, separator, value = entry.partition("=")
        if key == "env":
            if not separator or not value:
                raise ConfigurationError("Name the environment to bootstrap: cdk bootstrap --context env=stage")
            return value
    return None


def _context_entries(arguments: Sequence[str]) -> list[str]:
    entries = []
    for index, argument in enumerate(arguments):
        option, separator, value = argument.partition("=")
        if option == "--context" and separator:
            entries.append(value)
        elif argument in CONTEXT_OPTIONS:
            entries.extend(arguments[index + 1 : index + 2])
        elif argument.startswith("-c") and not argument.startswith("--"):
            entries.append(argument[2:].removeprefix("="))
    return entries
