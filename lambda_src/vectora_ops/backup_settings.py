"""Settings of the copy of an environment's vault in another account or region."""

from __future__ import annotations

from pydantic import Field

from vectora_ops.aws_values import Account, Region
from vectora_shared.config.section import MisfitError, Section


class Backup(Section):
    """Account and region that hold the copy of the vault; without an account, that of the environment."""

    account: Account | None = None
    region: Region = Field(description="AWS region of the copy, such as eu-central-1")

    def account_beside(self, account: str | None) -> str:
        """Return the account of the copy, for an environment in `account`."""
        chosen = self.account or account
        assert chosen is not None  # noqa: S101
        return chosen

    def is_foreign_to(self, account: str | None) -> bool:
        """Return whether the copy is in another account than an environment in `account`."""
        return self.account_beside(account) != account


def check_backup(backup: Backup | None, account: str | None, region: str) -> None:
    """Raise MisfitError for a copy that is lost together with the vault, or whose policy cannot name its source."""
    if backup is None:
        return
    if account is None:
        message = "needs the environment's `account` (12 digits): the copy's bucket policy names it"
        raise MisfitError((("backup",), message))
    if (backup.account_beside(account), backup.region) == (account, region):
        message = "is the account and region of the environment itself: name another account or region"
        raise MisfitError((("backup",), message))
