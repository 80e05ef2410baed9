"""Names of deployed resources: AWS's limits, suffixes of buckets, client ids and reserved names."""

from __future__ import annotations

import re
from pathlib import Path

import botocore.session
import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ops.environments import VALID, load_text
from vectora_ops.functions import invocation, promotion
from vectora_ops.names import (
    BUCKETS,
    FREQUENCIES,
    LIMITS,
    STACK_LAYERS,
    Names,
    bootstrap_qualifier,
    client_id_problems,
    schedule_id,
)
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings
from vectora_shared.errors import ConfigurationError

# Sources of the limits: properties in CloudFormation's schemas, and shapes in botocore's models.
IN_SCHEMAS = {
    "bucket": ("AWS::S3::Bucket", "BucketName"),
    "log group": ("AWS::Logs::LogGroup", "LogGroupName"),
    "layer": ("AWS::Lambda::LayerVersion", "LayerName"),
    "topic": ("AWS::SNS::Topic", "TopicName"),
    "alarm": ("AWS::CloudWatch::Alarm", "AlarmName"),
    "rule": ("AWS::Events::Rule", "Name"),
    "role": ("AWS::IAM::Role", "RoleName"),
    "state machine": ("AWS::StepFunctions::StateMachine", "StateMachineName"),
    "schedule": ("AWS::Scheduler::Schedule", "Name"),
}
IN_MODELS = {
    "rule": ("events", "RuleName"),
    "role": ("iam", "roleNameType"),
    "policy": ("iam", "policyNameType"),
    "schedule": ("scheduler", "Name"),
    "pipeline": ("codepipeline", "PipelineName"),
    "alarm": ("cloudwatch", "AlarmName"),
    "log group": ("logs", "LogGroupName"),
}
# Only in documentation: CreateStack, CreateFunction, PutParameter, CreateConfigurationSet and PutDashboard (API
# references).
IN_DOCUMENTATION = {"dashboard": 255, "stack": 128, "function": 64, "parameter": 1011, "configuration set": 64}


@pytest.mark.parametrize("kind", LIMITS)
def test_each_limit_is_the_one_that_aws_publishes(kind: str) -> None:
    published = set()
    if kind in IN_SCHEMAS:
        resource_type, property_name = IN_SCHEMAS[kind]
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-3", resource_type).schema
        published.add(schema["properties"][property_name]["maxLength"])
    if kind in IN_MODELS:
        service, shape = IN_MODELS[kind]
        published.add(botocore.session.get_session().get_service_model(service).shape_for(shape).metadata["max"])
    if kind in IN_DOCUMENTATION:
        published.add(IN_DOCUMENTATION[kind])
    assert published == {LIMITS[kind].longest}


def test_names_of_the_longest_project_fit_in_every_environment() -> None:
    for env in ENVIRONMENT_NAMES:
        Names(project="p" * 30, env=env).check()


def test_a_name_that_is_too_long_is_refused_with_its_limit() -> None:
    names = Names(project="p" * 30, env="stage", bucket_suffix="a-company")
    with pytest.raises(ConfigurationError, match=r"which has 68 characters; S3 accepts at most 63\. Shorten"):
        names.bucket("snapshots-access-logs")


def test_a_suffix_is_appended_to_bucket_names_only() -> None:
    names = Names(project="acme", env="prod", bucket_suffix="eu1")
    assert [names.bucket(each) for each in BUCKETS] == [f"acme-{each}-prod-eu1" for each in BUCKETS]
    assert names.pipeline_bucket("artifacts") == "acme-pipeline-artifacts-eu1"
    assert [names.stack(each) for each in STACK_LAYERS] == [f"acme-{each}-prod" for each in STACK_LAYERS]
    assert names.function("snapshot") == "acme-snapshot-prod"


def test_names_of_another_environment_have_the_same_project_and_suffix() -> None:
    assert Names("acme", "dev", "eu1").of("stage") == Names("acme", "stage", "eu1")


def test_functions_read_the_suffix_from_their_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PROJECT_NAME", "acme"), ("ENV", "dev"), ("NEXT_ENV", "stage"), ("BUCKET_SUFFIX", "eu1")):
        monkeypatch.setenv(name, value)
    assert invocation.own_names().bucket("config") == "acme-config-dev-eu1"
    assert promotion.next_names().bucket("config") == "acme-config-stage-eu1"
    monkeypatch.delenv("BUCKET_SUFFIX")
    assert invocation.own_names().bucket("config") == "acme-config-dev"


@pytest.mark.parametrize("project", ["vectora-inbox", "p", "p" * 30])
def test_the_longest_client_id_fits_every_schedule_and_one_more_character_does_not(project: str) -> None:
    names = Names(project=project, env="stage")
    longest = "c" * names.longest_client_id
    assert max(len(names.schedule(longest, each)) for each in FREQUENCIES) == LIMITS["schedule"].longest
    with pytest.raises(ConfigurationError, match="EventBridge Scheduler accepts at most 64"):
        names.schedule(f"{longest}c", "monthly")


def test_a_client_id_that_fits_dev_but_not_stage_is_refused_with_the_limit() -> None:
    environments = [Names("vectora-inbox", env) for env in ENVIRONMENT_NAMES]
    assert environments[0].longest_client_id > environments[1].longest_client_id
    client_id = "c" * environments[0].longest_client_id
    [problem] = client_id_problems(environments, [client_id])
    assert "would have 66, and EventBridge Scheduler accepts at most 64" in problem
    assert f"Use an id of at most {environments[1].longest_client_id} characters." in problem


def test_client_ids_that_would_share_a_schedule_are_refused() -> None:
    environments = [Names("vectora-inbox", env) for env in ENVIRONMENT_NAMES]
    assert schedule_id("a_1") == schedule_id("a1") == "A1Schedule"
    [problem] = client_id_problems(environments, ["a1", "a_1", "lai_weekly"])
    assert problem.startswith("Client ids 'a1' and 'a_1' differ in underscores only")


def _settings(tmp_path: Path, first_lines: str) -> Settings:
    return load_text(tmp_path, VALID.replace("project: vectora-inbox\n", first_lines, 1))


def test_the_suffix_of_the_configuration_reaches_the_names_of_every_environment(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "project: vectora-inbox\nbucket_suffix: acme-eu\n")
    assert {settings.names(env).bucket("data") for env in ENVIRONMENT_NAMES} == {
        f"vectora-inbox-data-{env}-acme-eu" for env in ENVIRONMENT_NAMES
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("project: vectora-inbox\nbucket_suffix: Acme\n", "key 'bucket_suffix' has the value 'Acme'"),
        ("project: vectora-inbox\nbucket_suffix: -acme\n", "key 'bucket_suffix' has the value '-acme'"),
        ("project: vectora-inbox\nbucket_suffix: a--b\n", "key 'bucket_suffix' has the value 'a--b'"),
        (
            "project: vectora-inbox\nbucket_suffix: x-s3alias\n",
            "names of buckets that end with -s3alias or -an are reserved by S3",
        ),
        (f"project: vectora-inbox\nbucket_suffix: {'s' * 30}\n", "S3 accepts at most 63"),
        ("project: aws-watch\n", "begin with aws, ssm, sthree-, amzn-s3-demo- are reserved by AWS"),
        ("project: sthree-watch\n", "begin with aws, ssm, sthree-, amzn-s3-demo- are reserved by AWS"),
        (f"project: {'p' * 31}\n", "key 'project'"),
    ],
)
def test_names_that_aws_refuses_are_refused_when_the_configuration_is_read(
    tmp_path: Path, lines: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _settings(tmp_path, lines)
    [line] = str(caught.value).splitlines()
    assert line.startswith("config/environments.yaml, line ")
    assert message in line


def test_the_message_about_names_that_are_too_long_quotes_the_longest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _settings(tmp_path, f"project: vectora-inbox\nbucket_suffix: {'s' * 22}\n")
    name = f"vectora-inbox-snapshots-access-logs-stage-{'s' * 22}"
    assert f"'{name}', which has {len(name)} characters" in str(caught.value)


@pytest.mark.parametrize("name", ["/aws/connection", "/SSM/connection", "/a" * 16])
def test_a_parameter_name_that_ssm_refuses_is_refused_when_the_configuration_is_read(tmp_path: Path, name: str) -> None:
    text = VALID.replace("/vectora-inbox/pipeline/connection-arn", name, 1)
    with pytest.raises(
        ConfigurationError, match="names that begin with aws or ssm, or have more than 15 levels, are refused by SSM"
    ):
        load_text(tmp_path, text)


def test_a_suffix_may_end_with_the_letters_of_a_reserved_one(tmp_path: Path) -> None:
    assert _settings(tmp_path, "project: vectora-inbox\nbucket_suffix: vatican\n").bucket_suffix == "vatican"


@given(st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True).filter(lambda project: len(project) <= 30))
@settings(deadline=None)
def test_each_environment_and_the_pipeline_have_a_bootstrap_qualifier_of_their_own(project: str) -> None:
    names = [Names(project=project, env=env) for env in ENVIRONMENT_NAMES]
    qualifiers = {names[0].pipeline_bootstrap_qualifier, *(each.bootstrap_qualifier for each in names)}

    assert len(qualifiers) == 4
    # Qualifier, parameter of the CDK's bootstrap template.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,10}", each) for each in qualifiers)


def test_projects_with_the_same_initials_have_different_qualifiers() -> None:
    assert bootstrap_qualifier("vectora-inbox", "dev") != bootstrap_qualifier("very-important", "dev")


def test_a_role_has_another_name_than_it_had_without_a_path() -> None:
    assert Names(project="acme", env="dev").role("rollback") == "acme-rollback-role-dev"
