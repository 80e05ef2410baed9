"""Accounts of a rehearsal: one for everything, or one for the pipeline and one for each environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rehearsal.repository import copy_checkout
from vectora_ops.account import PIPELINE
from vectora_ops.names import EnvName
from vectora_ops.settings import ENVIRONMENT_NAMES, Location, Settings
from vectora_shared.config.section import read_file
from vectora_shared.errors import VectoraError

FILE = Path("config") / "environments.yaml"
# By environment, and the pipeline's.
Accounts = Mapping[str, str]
FOUR: Accounts = {PIPELINE: "1" * 12, "dev": "2" * 12, "stage": "3" * 12, "prod": "4" * 12}
# The environment whose account is lost, the place of its vault's copy, the account that it is restored into, and the
# suffix of its buckets there.
LOST_ENVIRONMENT: EnvName = "prod"
COPY = Location(account="5" * 12, region="eu-central-1")
FRESH, SUFFIX = "6" * 12, "second"
# Who approves changes of what no commit may change by itself: an administrator of the pipeline's account.
APPROVER = "approver"
_OWN = re.compile(r"^    (account|profile|operator_role|backup):.*\n", re.MULTILINE)
_OWN_OF_THE_PIPELINE = re.compile(r"^  (account|profile|operator_role):.*\n", re.MULTILINE)


def accounts_of(count: int) -> Accounts:
    """Return the accounts by environment, none when the configuration decides; raise VectoraError for other counts."""
    if count not in (1, len(FOUR)):
        raise VectoraError(f"The rehearsal has 1 or {len(FOUR)} accounts, not {count}: give --accounts {len(FOUR)}.")
    return {} if count == 1 else FOUR


def profile_of(where: str) -> str:
    """Return the AWS profile of an operator in the account of an environment or of the pipeline, or of the approver."""
    return f"rehearsal-{where}"


def with_accounts(text: str, accounts: Accounts) -> str:
    """Return the text of config/environments.yaml, in which each environment and the pipeline name their account.

    The environment that loses its account also has a copy of its vault.
    """
    if not accounts:
        return text
    text = _OWN_OF_THE_PIPELINE.sub("", _OWN.sub("", text))
    for where, account in accounts.items():
        section, indent = ("pipeline:\n", "  ") if where == PIPELINE else (f"  {where}:\n", "    ")
        before, found, rest = text.partition(f"\n{section}")
        if not found:
            raise VectoraError(f"{FILE} has no section {section.strip()} on a line of its own: write it so.")
        own = f'{indent}account: "{account}"\n{indent}profile: {profile_of(where)}\n'
        if where == LOST_ENVIRONMENT:
            own += f'{indent}backup: {{account: "{COPY.account}", region: {COPY.region}}}\n'
        text = before + found + own + rest
    return text


def name_accounts(folder: Path, accounts: Accounts) -> None:
    """Let the configuration of a checkout name the accounts."""
    path = folder / FILE
    path.write_text(with_accounts(path.read_text(encoding="utf-8"), accounts), encoding="utf-8")


def settings_with_accounts(root: Path, accounts: Accounts) -> Settings:
    """Return the settings of the checkout at `root` with the accounts; raises ConfigurationError for invalid ones."""
    text = with_accounts((root / FILE).read_text(encoding="utf-8"), accounts)
    return read_file(Settings, str(FILE), text.encode("utf-8"))


def profiles_file(accounts: Mapping[str, tuple[str, str, str | None]]) -> str:
    """Return a shared credentials file with a profile for each of `profile_of`: key, secret and token."""
    lines = []
    for where, (key, secret, token) in accounts.items():
        lines += [f"[{profile_of(where)}]", f"aws_access_key_id = {key}", f"aws_secret_access_key = {secret}"]
        lines += [f"aws_session_token = {token}"] if token else []
    return "\n".join(lines) + "\n"


def administrators_checkout(root: Path, folder: Path, accounts: Accounts) -> Path:
    """Return a copy of the checkout at `root` whose configuration names the accounts, with the tools of `root`."""
    copy_checkout(root, folder)
    name_accounts(folder, accounts)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to((root / name).resolve())
    (root / "build").mkdir(exist_ok=True)
    (folder / "build").mkdir(exist_ok=True)
    # The CDK's library unpacks 180 MB for each folder that does not have them.
    (root / "build" / "jsii-packages").mkdir(exist_ok=True)
    (folder / "build" / "jsii-packages").symlink_to((root / "build" / "jsii-packages").resolve())
    return folder


WHERES: tuple[str, ...] = (PIPELINE, *ENVIRONMENT_NAMES)
