"""Golden templates: the synthesized templates as sorted YAML, without the digests that every commit changes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from stacks.synthesis import (
    Template,
    synthesized_access,
    synthesized_backup,
    synthesized_pipeline,
    synthesized_pipeline_stacks,
    synthesized_templates,
)
from vectora_ops.names import OPERATIONS_LAYER, STACK_LAYERS
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings

# The repository's own settings name no account and have no backup: its templates are those of these accounts.
BACKED_UP_ENV = "prod"
ACCOUNT = "444444444444"
BACKUP = {"account": "555555555555", "region": "eu-central-1"}
# Accounts of the pipeline, dev, stage and prod, and the region of prod.
FOUR_ACCOUNTS = ("111111111111", "222222222222", "333333333333", ACCOUNT, "eu-central-1")
ROOT = Path(__file__).resolve().parent.parent
GOLDEN_FOLDER = ROOT / "tests" / "stacks" / "templates"


def synthesize(env: str) -> dict[str, Template]:
    """Return the templates of an environment by layer, such as s0-core."""
    names = load_settings(ROOT).names(env)
    templates = synthesized_templates(ROOT, env)
    return {layer: templates[names.stack(layer)] for layer in STACK_LAYERS}


def settings_with_backup() -> Settings:
    """Return the repository's settings with a backup of one environment."""
    content = load_settings(ROOT).model_dump(exclude_none=True)
    for environment in content["environments"].values():
        environment["account"] = ACCOUNT
    content["environments"][BACKED_UP_ENV]["backup"] = BACKUP
    return Settings.model_validate(content)


def synthesize_with_backup() -> dict[str, Template]:
    """Return the template of the copy of the vault, and of the stack that replicates it, by golden file."""
    settings = settings_with_backup()
    operations = settings.names(BACKED_UP_ENV).stack(OPERATIONS_LAYER)
    return {
        "backup": synthesized_backup(ROOT, BACKED_UP_ENV, settings),
        OPERATIONS_LAYER: synthesized_templates(ROOT, BACKED_UP_ENV, settings)[operations],
    }


def settings_in(pipeline: str | None, dev: str | None, stage: str | None, prod: str | None, region: str) -> Settings:
    """Return the repository's settings with these accounts, and prod in `region`."""
    content = load_settings(ROOT).model_dump(exclude_none=True)
    content["pipeline"]["account"] = pipeline
    for env, account in zip(ENVIRONMENT_NAMES, (dev, stage, prod), strict=True):
        content["environments"][env]["account"] = account
    content["environments"]["prod"]["region"] = region
    return Settings.model_validate(content)


def synthesize_with_accounts() -> dict[str, Template]:
    """Return the templates that only a project in several accounts and regions has, by golden file."""
    settings = settings_in(*FOUR_ACCOUNTS)
    access = {f"access-{env}": synthesized_access(ROOT, env, settings) for env in ENVIRONMENT_NAMES}
    prefix = f"{settings.project}-"
    stacks = synthesized_pipeline_stacks(ROOT, settings)
    return {**access, **{name.removeprefix(prefix): template for name, template in stacks.items()}}


def synthesize_pipeline() -> Template:
    return synthesized_pipeline(ROOT)[0]


def golden_text(template: Template) -> str:
    """Return sorted YAML with a placeholder for the digests of assets and of the release."""
    text = yaml.safe_dump(template, sort_keys=True, allow_unicode=True, width=120, default_flow_style=False)
    return re.sub(r"\b[0-9a-f]{64}\b", "<digest>", text)


def golden_pipeline_path() -> Path:
    return GOLDEN_FOLDER / "pipeline.yaml"


def golden_backup_path(name: str) -> Path:
    return GOLDEN_FOLDER / "with-backup" / f"{name}.yaml"


def golden_accounts_path(name: str) -> Path:
    return GOLDEN_FOLDER / "with-accounts" / f"{name}.yaml"


def golden_path(env: str, layer: str) -> Path:
    return GOLDEN_FOLDER / env / f"{layer}.yaml"
