"""The pipeline's template: what happens in which order, with which permissions, and nothing more than is needed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cfnlint.api
import pytest
from aws_cdk import pipelines
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stacks.assets.release import PLACEHOLDER
from stacks.builds import builds_of
from stacks.environment import environment_stacks
from stacks.pipeline import PipelineStack
from stacks.synthesis import synthesized_pipeline
from tests.docs.test_commands_in_documents import vectora_problem
from tests.repository import ROOT
from tools import synthesize
from tools.release_report import LONGEST_VERDICT
from vectora_ops.names import REVIEW_VERDICT, STACK_LAYERS, EnvName, Names, environment_name
from vectora_ops.promotion.gates import BYPASSABLE_GATES
from vectora_ops.promotion.steps.gate import LONGEST_CHANGE_SUMMARY
from vectora_ops.settings import ENVIRONMENT_NAMES, Pipeline, Settings, load_settings

Stages = dict[str, list[list[dict[str, Any]]]]
PROD_GATES = ["gate-prod", "report-prod", "approval-prod", "gate-after-approval-prod"]


@pytest.fixture(scope="module")
def synthesized() -> tuple[dict[str, Any], dict[str, Any]]:
    return synthesized_pipeline(ROOT)


@pytest.fixture(scope="module")
def template(synthesized: tuple[dict[str, Any], Any]) -> dict[str, Any]:
    return synthesized[0]


@pytest.fixture(scope="module")
def stack() -> PipelineStack:
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return PipelineStack(cdk.App(context=context), root=ROOT, settings=load_settings(ROOT), platform="lambda")


def _pipeline(template: dict[str, Any]) -> dict[str, Any]:
    [found] = [each for each in template["Resources"].values() if each["Type"] == "AWS::CodePipeline::Pipeline"]
    properties: dict[str, Any] = found["Properties"]
    return properties


def _stages(template: dict[str, Any]) -> Stages:
    """By stage the actions in groups of one run order."""
    found: Stages = {}
    for stage in _pipeline(template)["Stages"]:
        orders = sorted({action["RunOrder"] for action in stage["Actions"]})
        found[stage["Name"]] = [[a for a in stage["Actions"] if a["RunOrder"] == order] for order in orders]
    return found


def _action(template: dict[str, Any], stage: str, name: str) -> dict[str, Any]:
    [found] = [each for group in _stages(template)[stage] for each in group if each["Name"] == name]
    return found


def _names(stage: list[list[dict[str, Any]]]) -> list[str]:
    assert all(len(group) == 1 for group in stage), "nothing of an environment happens at the same time"
    return [group[0]["Name"] for group in stage]


def _expected(env: EnvName) -> list[str]:
    names = Names(project="vectora-inbox", env=env)
    operations, *others = (names.stack(layer) for layer in STACK_LAYERS)
    gate = {"dev": [], "stage": ["gate-stage"], "prod": PROD_GATES}[env]
    return [
        *gate,
        f"{operations}.Prepare",
        f"{operations}.Deploy",
        f"{others[0]}.snapshot-{env}",
        *(f"{name}.{action}" for name in others for action in ("Prepare", "Deploy")),
        f"smoke-test-{env}",
        f"record-{env}",
    ]


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_an_environment_is_deployed_in_the_order_of_the_design(template: dict[str, Any], env: EnvName) -> None:
    assert _names(_stages(template)[env]) == _expected(env)


def test_a_commit_is_checked_built_and_published_before_the_first_environment(template: dict[str, Any]) -> None:
    assert list(_stages(template)) == ["Source", "Build", "UpdatePipeline", "Assets", *ENVIRONMENT_NAMES]
    assert all(len(_stages(template)[name]) == 1 for name in ("Source", "Build", "UpdatePipeline", "Assets"))
    assert len(_stages(template)["Assets"][0]) == 1, "one publishing build"


def test_the_build_runs_the_projects_own_check_and_synthesizes(template: dict[str, Any]) -> None:
    project = next(
        value
        for key, value in template["Resources"].items()
        if key.startswith("PipelineBuildSynth") and value["Type"] == "AWS::CodeBuild::Project"
    )
    commands = json.loads(project["Properties"]["Source"]["BuildSpec"])["phases"]["build"]["commands"]
    assert commands[0] == "make build"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    # Read, not run: make would set up the environment, even with --dry-run.
    check, build = (_words_of_recipe(makefile, target) for target in ("check", "build"))
    assert set(build) - set(check) == {"synth", "vulnerabilities", "bill", "template-rules"}
    # The audit of templates is for changes of templates: its tool is no part of a build.
    assert set(check) - set(build) == {"audit"}
    assert _words_of_recipe(makefile, "synth")[-1] == synthesize.__name__
    command = synthesize.command_of(["--context", "env=dev"])
    assert (Path(command[0]).name, *command[1:]) == ("cdk", "synth", "--quiet", "--context", "env=dev")
    rules = " ".join(_words_of_recipe(makefile, "template-rules"))
    assert "tests/stacks/test_template_rules.py" in rules
    assert "tests/stacks/test_permissions_exist.py" in rules
    [checks] = re.findall(r"^CHECKS := (.*)$", makefile, re.M)
    everything = " ".join(word for target in checks.split() for word in _words_of_recipe(makefile, target))
    for tool in ("ruff check", "ruff format --check", "tools.check_types", "lint-imports", "client validate"):
        assert tool in everything


def _words_of_recipe(makefile: str, target: str) -> list[str]:
    [recipe] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.M)
    return str(recipe).split()


def test_it_is_a_v2_pipeline_whose_waiting_executions_are_superseded(template: dict[str, Any]) -> None:
    pipeline = _pipeline(template)
    assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "SUPERSEDED")
    assert pipeline["RestartExecutionOnUpdate"] is True


def test_the_critical_path_is_that_of_plain_cdk_pipelines_and_at_most_seven_actions_an_environment(
    template: dict[str, Any],
) -> None:
    plain, ours = _stages(_plain_template()), _stages(template)
    assert set(plain) == set(ours)
    for name, groups in ours.items():
        more = len(groups) - len(plain[name])
        assert more == {"dev": 3, "stage": 4, "prod": 7}.get(name, 0), name


def _plain_template() -> dict[str, Any]:
    """The same stacks in CDK Pipelines without any step of this design."""
    app = cdk.App(context=json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"])
    settings = load_settings(ROOT)
    stack = cdk.Stack(app, "Plain", env=cdk.Environment(region="eu-west-3"))
    connection = f"arn:aws:codeconnections:eu-west-3:{'1' * 12}:connection/x"
    source = pipelines.CodePipelineSource.connection("o/r", "main", connection_arn=connection)
    delivery = pipelines.CodePipeline(
        stack,
        "Delivery",
        synth=pipelines.ShellStep("Synth", input=source, commands=["cdk synth"]),
        publish_assets_in_parallel=False,
    )
    for env in ENVIRONMENT_NAMES:
        stage = cdk.Stage(stack, env)
        environment_stacks(stage, root=ROOT, settings=settings, env=env, platform="lambda")
        delivery.add_stage(stage)
    assembly = app.synth()
    template: dict[str, Any] = assembly.get_stack_by_name("Plain").template
    return template


def test_the_pipeline_deploys_what_cdk_deploy_deploys(
    synthesized: tuple[Any, dict[str, Any]], environment: tuple[str, dict[str, Any]]
) -> None:
    env, direct = environment
    names = Names(project="vectora-inbox", env=environment_name(env))
    assert synthesized[1][env] == {names.stack(layer): direct[layer] for layer in STACK_LAYERS}


def test_the_pipeline_is_the_same_for_every_release(
    synthesized: tuple[dict[str, Any], dict[str, Any]], template: dict[str, Any]
) -> None:
    # Otherwise each commit would first change the pipeline, and start again.
    _, environments = synthesized
    text = json.dumps(template)
    for stacks in environments.values():
        [release] = [each["Resources"]["Release"] for each in stacks.values() if "Release" in each["Resources"]]
        assert json.loads(release["Properties"]["Value"])["digest"] not in text
    assert PLACEHOLDER.digest not in text
    assert PLACEHOLDER.version not in text


def test_the_approval_names_commit_digest_changes_and_what_was_bypassed(template: dict[str, Any]) -> None:
    approval = _action(template, "prod", "approval-prod")
    assert approval["ActionTypeId"]["Category"] == "Approval"
    information = approval["Configuration"]["CustomData"]
    for variable in ("RELEASE_VERSION", "RELEASE_DIGEST_PROD", "CommitId", "gate-prod.changes", "gate-prod.bypassed"):
        assert variable in information
    assert f"Review: #{{prod@report-prod.{REVIEW_VERDICT}}}" in information
    assert approval["TimeoutInMinutes"] == 7 * 24 * 60


def test_the_approval_links_the_report_that_its_build_writes(template: dict[str, Any]) -> None:
    report = _action(template, "prod", "report-prod")
    variables = {each["name"]: each["value"] for each in json.loads(report["Configuration"]["EnvironmentVariables"])}
    # What prod has when the gate passes, which is not the commit before.
    assert variables["SINCE"] == "#{gate-prod.since}"
    link = _action(template, "prod", "approval-prod")["Configuration"]["ExternalEntityLink"]
    bucket = "vectora-inbox-pipeline-artifacts"
    address = f"https://eu-west-3.console.aws.amazon.com/s3/object/{bucket}?region=eu-west-3&prefix="
    assert link == f"{address}{variables['KEY']}.html"
    assert variables["LINES_AT"].endswith(f"/compare/{variables['SINCE']}...{variables['COMMIT']}")


def test_the_variables_of_a_report_are_not_longer_than_codepipeline_accepts(template: dict[str, Any]) -> None:
    text = _action(template, "prod", "report-prod")["Configuration"]["EnvironmentVariables"]
    # A digest of SHA-256 is the longest id of a commit. CodePipeline API reference, ActionConfigurationValue.
    assert len(re.sub(r"#\{[^}]+\}", "c" * 64, text)) <= 1000


def test_a_report_that_cannot_be_made_stops_no_promotion_and_says_so(template: dict[str, Any], tmp_path: Path) -> None:
    [buildspec] = [
        json.loads(each["Properties"]["Source"]["BuildSpec"])
        for key, each in template["Resources"].items()
        if each["Type"] == "AWS::CodeBuild::Project" and "reportprod" in key
    ]
    commands = [*buildspec["phases"]["build"]["commands"], f'echo "verdict: ${REVIEW_VERDICT}"']
    # An empty folder has no Makefile.
    done = subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "verdict: No report: the log of its build says why.",
    )


def test_the_approval_has_the_commands_that_answer_it(template: dict[str, Any]) -> None:
    information = _action(template, "prod", "approval-prod")["Configuration"]["CustomData"]
    commands = [each[each.index("./vectora") :] for each in information.split("; ") if "./vectora" in each]
    assert [shlex.split(each)[2] for each in commands] == ["explain", "approve", "reject"]
    for command in commands:
        assert vectora_problem(shlex.split(command)[1:], may_only_name=False) == ""


def test_the_text_of_an_approval_is_not_longer_than_codepipeline_accepts(template: dict[str, Any]) -> None:
    longest = {
        "changes": LONGEST_CHANGE_SUMMARY,
        "bypassed": len(", ".join(BYPASSABLE_GATES)),
        "RELEASE_VERSION": 20,
        "RELEASE_DIGEST_PROD": 64,
        "CommitId": 40,
        "RELEASE_AUDIT": 20,
        REVIEW_VERDICT: LONGEST_VERDICT,
    }
    information = _action(template, "prod", "approval-prod")["Configuration"]["CustomData"]
    variables = re.findall(r"#\{[^.}]+\.(\w+)\}", information)
    fixed = re.sub(r"#\{[^}]+\}", "", information)
    # CodePipeline quotas, additional information of an approval.
    assert len(fixed) + sum(longest[each] for each in variables) <= 1000


@pytest.mark.parametrize("env", ENVIRONMENT_NAMES)
def test_every_step_is_given_its_own_environments_digest_and_the_contents(template: dict[str, Any], env: str) -> None:
    steps = [group[0] for group in _stages(template)[env] if group[0]["ActionTypeId"]["Provider"] == "Lambda"]
    assert steps
    for step in steps:
        parameters = json.loads(step["Configuration"]["UserParameters"])
        assert parameters["digest"].endswith(f".RELEASE_DIGEST_{env.upper()}}}"), step["Name"]
        assert parameters["content_digest"].endswith(".RELEASE_CONTENT_DIGEST}"), step["Name"]


def test_the_content_digest_knows_every_build(template: dict[str, Any]) -> None:
    """A build that it did not know could change without a new soak."""
    known = builds_of(ROOT)
    projects = [each["Properties"] for each in template["Resources"].values() if "CodeBuild::Project" in each["Type"]]
    assert len(projects) == 4
    for project in projects:
        assert project["Environment"]["Image"] == known["image"]
        buildspec = project["Source"]["BuildSpec"]
        size = known["compute"]["check" if "make build" in buildspec else "deploy"]
        assert project["Environment"]["ComputeType"] == f"BUILD_GENERAL1_{size}"
        if "FileAsset.yaml" in buildspec:
            # Its content is the publishing build's (test_builds_install_the_cdk_cli_by_the_hashes_of_the_lock_file).
            continue
        document = json.loads(buildspec)
        if "env" in document:
            build = known["report" if REVIEW_VERDICT in buildspec else "synth"]
            assert document["phases"]["build"]["commands"] == build["commands"]
            assert sorted(document["env"]["exported-variables"]) == sorted(build["exports"])
        else:
            assert _neutral(buildspec) == known["update"]


def _neutral(buildspec: str) -> str:
    return buildspec.replace("vectora-inbox-pipeline", "pipeline").replace("vectora-inbox-review", "review")


def test_every_lambda_action_may_invoke_its_one_function_and_nothing_else(template: dict[str, Any]) -> None:
    actions = [
        each
        for groups in _stages(template).values()
        for group in groups
        for each in group
        if each["ActionTypeId"]["Provider"] == "Lambda"
    ]
    assert len(actions) == 3 * 3 + 3
    for action in actions:
        role_id = action["RoleArn"]["Fn::GetAtt"][0]
        [policy] = template["Resources"][role_id]["Properties"]["Policies"]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == "lambda:InvokeFunction"
        env, kind = action["Name"].rpartition("-")[2], action["Name"].rpartition(".")[2].rpartition("-")[0]
        place = {"stage": "dev", "prod": "stage"}[env] if kind.startswith("gate") else env
        task = "promotion" if kind.startswith("gate") or kind == "record" else kind
        assert json.dumps(statement["Resource"]).count(f'function:vectora-inbox-{task}-{place}"') == 1
        attached = [
            key
            for key, each in template["Resources"].items()
            if each["Type"] == "AWS::IAM::Policy" and {"Ref": role_id} in each["Properties"]["Roles"]
        ]
        assert attached == []


def test_stacks_are_changed_under_the_bootstraps_roles_alone(template: dict[str, Any]) -> None:
    for groups in _stages(template).values():
        for action in (each for group in groups for each in group):
            if action["ActionTypeId"]["Provider"] == "CloudFormation":
                assert re.search(r"cdk-vicff(dev|stage|prod)-deploy-role", json.dumps(action["RoleArn"]))
    text = json.dumps({key: each for key, each in template["Resources"].items() if "IAM" in each["Type"]})
    for forbidden in ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "iam:PassRole", "ssm:Put"):
        assert forbidden not in text


def test_builds_install_the_cdk_cli_by_the_hashes_of_the_lock_file(template: dict[str, Any], tmp_path: Path) -> None:
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = cdk.App(outdir=str(tmp_path), context=context)
    PipelineStack(app, root=ROOT, settings=load_settings(ROOT), platform="lambda")
    [publishing] = tmp_path.glob("buildspec-*-FileAsset.yaml")
    projects = [each for each in template["Resources"].values() if each["Type"] == "AWS::CodeBuild::Project"]
    inline = [each["Properties"]["Source"]["BuildSpec"] for each in projects]
    [mutating] = [each for each in inline if "deploy vectora-inbox-pipeline" in each]
    assert publishing.read_text(encoding="utf-8").strip() == builds_of(ROOT)["publish"]
    for buildspec in (publishing.read_text(encoding="utf-8"), mutating):
        phases = json.loads(buildspec)["phases"]
        assert phases["install"]["commands"][-1] == "npm ci --ignore-scripts --no-fund --no-audit"
        assert phases["build"]["commands"][0].startswith("node_modules/.bin/cdk ")
    assert not any("npm install" in each for each in inline)
    for name in ("package.json", "package-lock.json"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(each["integrity"].startswith("sha512-") for name, each in packages.items() if name)


@pytest.mark.parametrize("repository", ["a.company/its.inbox", f"{'o' * 12}/{'r' * 80}"])
def test_the_source_of_any_repository_has_names_that_codepipeline_accepts(repository: str) -> None:
    settings = load_settings(ROOT)
    pipeline = Pipeline.model_validate({**settings.pipeline.model_dump(), "repository": repository})
    dotted: Settings = settings.model_copy(update={"pipeline": pipeline})
    source = _stages(synthesized_pipeline(ROOT, dotted)[0])["Source"][0][0]
    assert re.fullmatch(r"[A-Za-z0-9.@_-]{1,100}", source["Name"])
    assert re.fullmatch(r"[A-Za-z0-9@_-]{1,100}", source["Namespace"])
    assert source["Configuration"]["FullRepositoryId"] == repository


def test_a_repository_whose_variables_would_have_too_long_a_name_is_refused() -> None:
    settings = load_settings(ROOT).pipeline.model_dump()
    with pytest.raises(ValueError, match="at most 93 characters"):
        Pipeline.model_validate({**settings, "repository": f"{'o' * 13}/{'r' * 80}"})


# Findings of cfn-lint in what CDK Pipelines writes itself, and why they are no errors.
ACCEPTED = {
    "W3005": ("dependency already enforced by a 'GetAtt'", "CDK says the pipeline's dependency on its role twice"),
    "E3703": ("Prefer using Fn::Sub over Fn::Join", "advice on style, on the role's ARN that CDK joins"),
}


def test_cfn_lint_finds_nothing_in_the_pipeline_that_is_not_explained(template: dict[str, Any]) -> None:
    findings = [str(each) for each in cfnlint.api.lint(json.dumps(template), regions=["eu-west-3"])]
    accepted = [text for text, _ in ACCEPTED.values()]
    assert [each for each in findings if not any(text in each for text in accepted)] == []
    assert all(any(text in each for each in findings) for text in accepted), "an explanation without a finding"


@pytest.mark.parametrize("pack", [AwsSolutionsChecks, ServerlessChecks])
def test_cdk_nag_has_no_unexplained_finding_in_the_pipeline(pack: Any, stack: PipelineStack) -> None:
    assert [each.rule_name for each in pack(stack).validate_scope(stack).violations] == []
