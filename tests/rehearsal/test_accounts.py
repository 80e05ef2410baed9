"""Accounts of a rehearsal in the configuration of its checkout."""

from __future__ import annotations

import pytest

from rehearsal.accounts import (
    COPY,
    FILE,
    FOUR,
    LOST_ENVIRONMENT,
    accounts_of,
    profile_of,
    settings_with_accounts,
    with_accounts,
)
from tests.repository import ROOT
from vectora_ops.account import PIPELINE
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_shared.errors import VectoraError

TEXT = (ROOT / FILE).read_text(encoding="utf-8")


def test_each_environment_and_the_pipeline_name_their_account_and_profile() -> None:
    settings = settings_with_accounts(ROOT, FOUR)
    found = {PIPELINE: (settings.pipeline_place.account, settings.pipeline.profile)}
    for env in ENVIRONMENT_NAMES:
        found[env] = (settings.place(env).account, settings.environment(env).profile)
    assert found == {where: (account, profile_of(where)) for where, account in FOUR.items()}


def test_the_environment_that_loses_its_account_has_a_copy_in_another_one() -> None:
    settings = settings_with_accounts(ROOT, FOUR)
    backups = {env: settings.environment(env).backup for env in ENVIRONMENT_NAMES}
    copy = backups.pop(LOST_ENVIRONMENT)
    assert copy is not None
    assert (copy.account, copy.region) == (COPY.account, COPY.region)
    assert copy.account not in FOUR.values()
    assert set(backups.values()) == {None}


def test_accounts_of_the_configuration_are_replaced() -> None:
    named = with_accounts(TEXT, FOUR)
    assert named != TEXT
    assert with_accounts(named, FOUR) == named
    other = dict.fromkeys(FOUR, "9" * 12)
    assert with_accounts(named, other) == with_accounts(TEXT, other)


def test_one_account_changes_nothing() -> None:
    assert accounts_of(1) == {}
    assert with_accounts(TEXT, {}) == TEXT


def test_another_number_of_accounts_is_refused_with_one_sentence() -> None:
    with pytest.raises(VectoraError, match=r"^The rehearsal has 1 or 4 accounts, not 2: give --accounts 4\.$"):
        accounts_of(2)


def test_a_configuration_in_another_layout_is_refused_with_the_section() -> None:
    with pytest.raises(VectoraError, match=r"^config/environments.yaml has no section stage: on a line of its own"):
        with_accounts(TEXT.replace("\n  stage:\n", "\n  stage: &stage\n"), FOUR)
