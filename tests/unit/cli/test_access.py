"""Access of commands to several accounts: profiles, roles, and the account that the settings name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from pydantic import ValidationError
from typer.testing import CliRunner

from cli import status, target
from cli.__main__ import COMMANDS, app
from cli.access import Access, access_to, open_account, open_session
from cli.environment_status import EnvironmentStatus, environment_status
from cli.profiles import GIVEN
from tests.repository import ROOT
from vectora_ops.account import PIPELINE, Account
from vectora_ops.settings import Location, Settings, load_settings
from vectora_shared.errors import ConfigurationError, VectoraError

TOOLS, DEV, STAGE, PROD = "111111111111", "222222222222", "333333333333", "444444444444"
ACCOUNTS = {"dev": DEV, "stage": STAGE, "prod": PROD}
REGION = "eu-west-3"
CONFIG = """
[profile tools]
[profile stage-admin]
"""
CREDENTIALS = f"""
[tools]
aws_access_key_id = {TOOLS}
aws_secret_access_key = secret
[stage-admin]
aws_access_key_id = {STAGE}
aws_secret_access_key = secret
"""


def _settings(**changes: dict[str, Any]) -> Settings:
    """Return settings of four accounts, with further keys by environment or pipeline."""
    document = load_settings(ROOT).model_dump()
    document["pipeline"] |= {"account": TOOLS, "region": REGION, **changes.pop("pipeline", {})}
    for env, account in ACCOUNTS.items():
        document["environments"][env] |= {"account": account, **changes.pop(env, {})}
    assert not changes
    return Settings.model_validate(document)


@pytest.fixture
def given() -> Iterator[Callable[..., None]]:
    """Return a function that gives the values of `--profile`."""
    token = GIVEN.set(())
    yield lambda *profiles: GIVEN.set(profiles) and None
    GIVEN.reset(token)


class Sts:
    """The account of an access key is the key itself, as in the emulator; roles may be assumed by listed accounts."""

    def __init__(self, trusted: dict[str, str]) -> None:
        self.trusted = trusted
        self.assumed: list[dict[str, str]] = []

    def answer(self, model: Any, params: dict[str, Any], request_signer: Any, **_: Any) -> Any:
        key = request_signer._credentials.get_frozen_credentials().access_key
        answer: dict[str, Any]
        if model.name == "GetCallerIdentity":
            # A user with a space, which IAM accepts in no name, stands for federated names with other characters.
            answer = {"Account": key[:12], "Arn": f"arn:aws:sts::{key[:12]}:assumed-role/Admin/jane doe@example.org"}
        else:
            self.assumed.append(asked := self._parameters(params))
            if self.trusted.get(asked["RoleArn"]) != key:
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "AssumeRole")
            expiration = datetime.now(UTC) + timedelta(hours=1)
            temporary = {"AccessKeyId": asked["RoleArn"].split(":")[4] + "ROLE", "SecretAccessKey": "s"}
            answer = {"Credentials": {**temporary, "SessionToken": "t", "Expiration": expiration}}
        return type("Http", (), {"status_code": 200})(), answer

    @staticmethod
    def _parameters(params: dict[str, Any]) -> dict[str, str]:
        body = params["body"]
        return {key: str(body[key]) for key in ("RoleArn", "RoleSessionName")}


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sts:
    """Answer STS in every client, with two profiles in the files of this machine."""
    for name, text in (("AWS_CONFIG_FILE", CONFIG), ("AWS_SHARED_CREDENTIALS_FILE", CREDENTIALS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", DEV)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    fake = Sts({})
    create = botocore.session.Session.create_client

    def create_answered(self: Any, *args: Any, **kwargs: Any) -> Any:
        client = create(self, *args, **kwargs)
        client.meta.events.register("before-call.sts", fake.answer)
        return client

    monkeypatch.setattr(botocore.session.Session, "create_client", create_answered)
    return fake


def test_each_environment_has_the_profile_and_the_role_of_its_settings() -> None:
    settings = _settings(
        stage={"profile": "stage-admin"}, prod={"operator_role": "operator"}, pipeline={"profile": "t"}
    )
    assert access_to(settings, "dev") == Access(Location(DEV, REGION), None, None)
    assert access_to(settings, "stage") == Access(Location(STAGE, REGION), "stage-admin", None)
    assert access_to(settings, "prod") == Access(Location(PROD, REGION), None, "operator")
    assert access_to(settings, PIPELINE) == Access(Location(TOOLS, REGION), "t", None)


def test_a_pipeline_without_an_account_is_accessed_as_dev() -> None:
    settings = _settings(dev={"profile": "d"}, pipeline={"account": None})
    assert access_to(settings, PIPELINE) == access_to(settings, "dev")


def test_a_given_profile_replaces_profile_and_role_of_the_settings(given: Callable[..., None]) -> None:
    settings = _settings(stage={"profile": "s", "operator_role": "r"}, prod={"operator_role": "r"})
    given("mine", "prod=theirs")
    assert access_to(settings, "stage") == Access(Location(STAGE, REGION), "mine", None)
    assert access_to(settings, "prod") == Access(Location(PROD, REGION), "theirs", None)
    assert access_to(settings, PIPELINE) == Access(Location(TOOLS, REGION), "mine", None)


def test_a_profile_for_no_environment_is_refused(given: Callable[..., None]) -> None:
    given("production=admin")
    with pytest.raises(
        ConfigurationError, match=r"^There is no environment 'production': did you mean 'prod'\? .* pipeline"
    ):
        access_to(_settings(), "dev")


def test_the_profiles_end_with_their_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []

    def reached(settings: Settings, where: str) -> Account:
        seen.append(GIVEN.get())
        raise VectoraError("Stopped.")

    monkeypatch.setattr(target, "open_account", reached)
    result = CliRunner().invoke(app, ["release", "list", "--env", "dev", "--profile", "a", "--profile", "dev=b"])
    assert (result.exit_code, result.stderr) == (1, "Stopped.\n")
    assert seen == [("a", "dev=b")]
    assert GIVEN.get() == ()


# They show progress, and use no account.
WITHOUT_AWS = ("completion", "review", "rehearse", "client bump", "source try", "source check")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_that_uses_aws_takes_profiles(command: Any) -> None:
    names = {parameter.name for parameter in command.load().params}
    assert ("profile" in names) == (command.words not in WITHOUT_AWS)


def test_an_account_other_than_the_settings_name_is_refused(sts: Sts) -> None:
    assert open_account(_settings(), "dev").account_id == DEV
    with pytest.raises(VectoraError) as refused:
        open_account(_settings(), "stage")
    assert str(refused.value) == (
        f"AWS account {DEV} is not that of stage ({STAGE}): use a profile of that account (--profile stage=NAME), or "
        "set `profile` or `operator_role` of stage in config/environments.yaml."
    )


def test_environments_are_opened_with_their_own_profiles(sts: Sts, given: Callable[..., None]) -> None:
    given("pipeline=tools")
    settings = _settings(stage={"profile": "stage-admin"})
    assert open_account(settings, "dev").account_id == DEV
    assert open_account(settings, "stage").account_id == STAGE
    assert open_account(settings, PIPELINE).account_id == TOOLS


def test_an_unknown_profile_is_one_sentence() -> None:
    with pytest.raises(VectoraError, match=r"^There is no AWS profile 'absent' on this machine: "):
        open_session(access_to(_settings(dev={"profile": "absent"}), "dev"))


@pytest.mark.parametrize("role", ["people/operator", f"arn:aws:iam::{PROD}:role/people/operator"])
def test_the_operators_role_is_assumed_under_the_callers_name(sts: Sts, role: str) -> None:
    arn = f"arn:aws:iam::{PROD}:role/people/operator"
    sts.trusted[arn] = TOOLS
    account = open_account(_settings(prod={"profile": "tools", "operator_role": role}), "prod")
    assert (account.account_id, account.region) == (PROD, REGION)
    assert sts.assumed == [{"RoleArn": arn, "RoleSessionName": "jane-doe@example.org"}]


def test_a_role_that_may_not_be_assumed_is_one_sentence(sts: Sts) -> None:
    with pytest.raises(VectoraError) as refused:
        open_account(_settings(prod={"operator_role": "operator"}), "prod")
    assert str(refused.value).startswith(f"Role arn:aws:iam::{PROD}:role/operator cannot be assumed (")


class _Denying:
    """An account whose credentials may read nothing."""

    account_id, region = PROD, REGION

    def __init__(self) -> None:
        self.session = boto3.Session("key", "secret", region_name=REGION)

    def client(self, service: str) -> Any:
        make: Any = self.session.client
        client = make(service)

        def deny(model: Any, **_: Any) -> None:
            dated = {"HTTPHeaders": {"date": "Fri, 30 Jan 2026 12:00:00 GMT"}}
            error: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": dated}
            raise ClientError(error, model.name)

        client.meta.events.register("before-call", deny)
        return client


def _denied_status() -> EnvironmentStatus:
    account: Any = _Denying()
    return environment_status(account, _settings().names("prod"))


def test_status_says_what_of_an_environment_may_not_be_read() -> None:
    found = _denied_status()
    assert {each.status for each in found.stacks} == {"not permitted"}
    assert found.release_digest is None
    assert "the ledger (GetParameterHistory)" in found.denied
    assert "the stacks (DescribeStacks)" in found.denied
    assert "the functions (GetFunctionConfiguration)" in found.denied
    assert len(set(found.denied)) == len(found.denied)


@pytest.fixture
def one_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give access to an account of prod in which nothing may be read, and to no other environment."""

    def opened(settings: Settings, where: str) -> Account:
        if where != "prod":
            raise VectoraError(f"No access to {where}.")
        denying: Any = _Denying()
        account: Account = denying
        return account

    monkeypatch.setattr(status, "open_account", opened)


@pytest.mark.usefixtures("one_readable")
def test_an_environment_without_access_does_not_hide_the_others() -> None:
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0, result.output
    assert "dev: not readable.\n  No access to dev." in result.stdout
    assert "prod: its release is not known.\n  Not shown, because you may not read it: the " in result.stdout
    document = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert document["environments"][0] == {"env": "dev", "problem": "No access to dev."}
    assert "the stacks (DescribeStacks)" in document["environments"][2]["denied"]


@pytest.mark.usefixtures("one_readable")
def test_status_fails_when_no_chosen_environment_is_readable() -> None:
    result = CliRunner().invoke(app, ["status", "--env", "dev"])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "No access to dev.\n")


def test_what_is_elsewhere_is_opened_with_its_own_access_when_it_is_used(sts: Sts) -> None:
    dev = open_account(_settings(pipeline={"profile": "tools"}, stage={"profile": "absent"}), "dev")
    assert dev.of(PIPELINE).account_id == TOOLS
    assert dev.of("dev") is dev
    with pytest.raises(VectoraError, match="There is no AWS profile 'absent'"):
        dev.of("stage")


def test_the_pipeline_beside_an_environment_is_that_environments_account(sts: Sts) -> None:
    dev = open_account(_settings(pipeline={"account": DEV}), "dev")
    assert dev.of(PIPELINE) is dev


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "stage admin"},
        {"profile": "dev=stage"},
        {"operator_role": "arn:aws:iam::123:role/operator"},
        {"operator_role": "arn:aws:iam::333333333333:user/jane"},
        {"operator_role": "/operator/"},
    ],
)
def test_profiles_and_roles_that_cannot_exist_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        _settings(stage=changes)
