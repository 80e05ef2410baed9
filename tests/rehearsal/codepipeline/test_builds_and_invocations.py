"""Builds and Lambda invocations: their results, failures, artifacts and variables."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from rehearsal.codepipeline import FailAfter


@pytest.fixture(scope="module")
def finished(world: Any, parts: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, str]:
    """World, execution and commit of a pipeline with two concurrent builds and a function, run once."""
    commit = world.commit({"number.txt": "41\n"}, "The answer, nearly")
    exports = {"exported-variables": ["ANSWER"], "variables": {"COLOUR": "blue"}}
    meeting = tmp_path_factory.mktemp("meeting")
    # Each build waits for the other: if they did not run concurrently, neither would end.
    meet = "touch {meeting}/{me}; until test -e {meeting}/{other}; do sleep 0.02; done"
    counting = [
        meet.format(meeting=meeting, me="count", other="look"),
        "read N < number.txt",
        "export ANSWER=$((N + 1))",
        'echo "$ANSWER $COLOUR $GIVEN" > made.txt',
    ]
    phases = {"install": {"commands": ["cd tools", "cd .."]}, "build": {"commands": counting}}
    world.project("count", {"env": exports, "phases": phases, "artifacts": {"files": ["made.txt"]}})
    world.project(
        "look",
        {
            "phases": {
                "build": {"commands": ["test -f README.md", meet.format(meeting=meeting, me="look", other="count")]}
            }
        },
    )
    world.project("read", {"phases": {"build": {"commands": ['test "$(cat made.txt)" = "42 blue #1"']}}})
    given = [{"name": "GIVEN", "value": "#1", "type": "PLAINTEXT"}]
    echo = {"say": "#{Count.ANSWER} of #{Source.CommitId}", "namespace": "Echo", "inputs": ["Made"]}
    execution = world.create(
        "main",
        parts.stage(
            "Build",
            parts.build("Count", "count", outputs=["Made"], namespace="Count", variables=given),
            parts.build("Look", "look"),
        ),
        parts.stage(
            "Check",
            parts.build("Read", "read", inputs=["Made"]),
            parts.invoke("Echo", "answer", runOrder=2, **echo),
            parts.invoke("Again", "continue", say="#{Echo.echo} in #{codepipeline.PipelineExecutionId}", runOrder=3),
        ),
    )
    assert world.wait("main", execution) == "Succeeded", world.runs("main", execution)
    return world, execution, commit


def test_files_and_variables_reach_the_actions_after_their_producer(finished: tuple[Any, str, str]) -> None:
    world, execution, commit = finished
    runs = world.runs("main", execution)
    assert runs["Count"]["output"]["outputVariables"] == {"ANSWER": "42"}
    assert runs["Echo"]["output"]["outputVariables"]["echo"] == f"42 of {commit}"
    assert runs["Echo"]["output"]["executionResult"]["externalExecutionSummary"] == "all is well"
    assert runs["Again"]["output"]["outputVariables"]["echo"] == f"42 of {commit} in {execution}"


def test_a_source_action_reports_its_commit(finished: tuple[Any, str, str]) -> None:
    world, execution, commit = finished
    variables = world.runs("main", execution)["Checkout"]["output"]["outputVariables"]
    expected = {"CommitId": commit, "CommitMessage": "The answer, nearly", "BranchName": "main"}
    assert expected.items() <= variables.items()
    shown = world.client.get_pipeline_execution(pipelineName="main", pipelineExecutionId=execution)["pipelineExecution"]
    assert shown["artifactRevisions"][0]["revisionId"] == commit
    assert shown["trigger"]["triggerType"] == "CreatePipeline"


def test_a_function_that_continues_is_invoked_again_with_its_token(finished: tuple[Any, str, str]) -> None:
    world, execution, _ = finished
    assert world.runs("main", execution)["Again"]["output"]["outputVariables"]["token"] == "2"


def test_actions_of_one_run_order_run_concurrently(finished: tuple[Any, str, str]) -> None:
    world, execution, _ = finished
    actions = {action.action: action for action in world.service.report("main", execution).actions}
    assert actions["Count"].started < actions["Look"].ended
    assert actions["Look"].started < actions["Count"].ended


def test_an_executions_time_is_the_sum_of_actions_waits_and_overhead(
    finished: tuple[Any, str, str],
) -> None:
    world, execution, _ = finished
    report = world.service.report("main", execution)
    assert report.overhead >= 0
    assert report.seconds == pytest.approx(report.critical_path + report.waited + report.overhead)


def test_the_observer_gets_changes_in_order(finished: tuple[Any, str, str]) -> None:
    world, execution, _ = finished
    seen = [(each.action, each.state) for each in world.changes if each.execution_id == execution and each.action]
    assert seen.index(("Echo", "STARTED")) < seen.index(("Echo", "SUCCEEDED")) < seen.index(("Again", "STARTED"))


FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "a command that fails": ({"build": {"commands": ["false"]}}, "Error while executing command: false. Reason: exit"),
    "a command that leaves the shell": ({"build": {"commands": ["exit 3"]}}, "exit status 3"),
    "a phase with an unsupported key": ({"build": {"commands": [], "run-as": "me"}}, "'run-as', which the stand-in"),
    "a runtime without a build image": ({"install": {"runtime-versions": {"python": "3.12"}}}, "runtime-versions"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_build_fails_with_its_reason(name: str, world: Any, parts: Any) -> None:
    phases, words = FAILING[name]
    pipeline = name.replace(" ", "-")
    world.project(pipeline, {"phases": phases})
    execution = world.create(pipeline, parts.stage("Build", parts.build("Make", pipeline)))
    assert world.wait(pipeline, execution) == "Failed"
    assert words in world.error(pipeline, execution, "Make")


def test_finally_commands_and_post_build_run_after_a_failed_command(world: Any, parts: Any, tmp_path: Any) -> None:
    seen = tmp_path / "seen"
    write = f"echo {{}} $CODEBUILD_BUILD_SUCCEEDING >> {seen}"
    build = {"commands": ["false", write.format("never")], "finally": [write.format("finally")]}
    world.project("cleanup", {"phases": {"build": build, "post_build": {"commands": [write.format("post")]}}})
    execution = world.create("cleanup", parts.stage("Build", parts.build("Make", "cleanup")))
    assert world.wait("cleanup", execution) == "Failed"
    assert seen.read_text() == "finally 1\npost 0\n"


def test_nothing_runs_after_a_failed_installation(world: Any, parts: Any, tmp_path: Any) -> None:
    seen = tmp_path / "seen"
    phases = {"install": {"commands": ["false"]}, "build": {"commands": [f"touch {seen}"]}}
    world.project("install", {"phases": phases})
    execution = world.create("install", parts.stage("Build", parts.build("Make", "install")))
    assert world.wait("install", execution) == "Failed"
    assert not seen.exists()


def test_a_build_has_the_service_role_and_no_variables_of_the_host(
    world: Any, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "hidden")
    exported = {"exported-variables": ["LEAKED", "KEY", "PREFIX", "OWNER"]}
    commands = [
        "export LEAKED=${SECRET_OF_THE_HOST:-nothing}",
        "export KEY=${AWS_ACCESS_KEY_ID:0:4}",
        "export PREFIX=$npm_config_prefix",
        "export OWNER=$CODEBUILD_INITIATOR",
    ]
    world.project("environment", {"env": exported, "phases": {"build": {"commands": commands}}})
    build = parts.build("Make", "environment", namespace="Make")
    execution = world.create("environment", parts.stage("Build", build))
    assert world.wait("environment", execution) == "Succeeded"
    variables = world.runs("environment", execution)["Make"]["output"]["outputVariables"]
    assert variables["LEAKED"] == "nothing"
    assert variables["KEY"] == "ASIA"
    assert "/codepipeline-" in variables["PREFIX"]
    assert variables["OWNER"] == "codepipeline/environment"


def test_a_buildspec_file_and_a_second_source_are_found(world: Any, parts: Any) -> None:
    first = {"phases": {"build": {"commands": ["echo one > one.txt"]}}, "artifacts": {"files": ["**/*"]}}
    world.project("first", first)
    command = "cd $CODEBUILD_SRC_DIR_One; test -x tools/run.sh -a -f one.txt"
    world.commit({"spec.yml": f"version: 0.2\nphases:\n  build:\n    commands:\n      - {command}\n"})
    (world.repository / "tools/run.sh").chmod(0o755)
    world.commit({})
    world.project("second", "spec.yml")
    second = parts.build("Second", "second", inputs=["Code", "One"], runOrder=2)
    second["configuration"]["PrimarySource"] = "Code"
    stage = parts.stage("Build", parts.build("First", "first", outputs=["One"]), second)
    execution = world.create("two-sources", stage)
    assert world.wait("two-sources", execution) == "Succeeded", world.runs("two-sources", execution)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended, although init has not yet waited for it.
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    return True


def test_a_build_that_exceeds_its_projects_timeout_is_ended(world: Any, parts: Any, tmp_path: Any) -> None:
    process = tmp_path / "process"
    commands = [f"sleep 600 & echo $! > {process}; wait"]
    world.project("slow", {"phases": {"build": {"commands": commands}}}, timeoutInMinutes=5)
    # On a loaded machine the timeout may expire before the build has started its process: then retry with more time.
    for minute in (0.3, 3.0, 60.0):
        pipeline = f"slow-{minute:g}".replace(".", "-")
        with world.impatient(build_minute=minute):
            execution = world.create(pipeline, parts.stage("Build", parts.build("Make", "slow")))
            assert world.wait(pipeline, execution) == "Failed"
        assert "TIMED_OUT" in world.error(pipeline, execution, "Make")
        if process.exists() and process.read_text().strip():
            break
    assert not _is_alive(int(process.read_text()))


ANSWERS = {
    "fail": "the gate is closed",
    "stay silent": "The AWS Lambda function function failed to return a result. Check the function",
}


@pytest.mark.parametrize("do", ANSWERS)
def test_a_function_that_does_not_succeed_fails_its_action(do: str, world: Any, parts: Any) -> None:
    pipeline = do.replace(" ", "-")
    # Only a silent function needs a short timeout.
    seconds = {"job_answer": 1.0} if do == "stay silent" else {}
    with world.impatient(**seconds):
        execution = world.create(pipeline, parts.stage("Check", parts.invoke("Gate", do)))
        assert world.wait(pipeline, execution) == "Failed"
    assert world.error(pipeline, execution, "Gate").startswith(ANSWERS[do])


def test_a_missing_function_fails_its_action(world: Any, parts: Any) -> None:
    execution = world.create("missing", parts.stage("Check", parts.invoke("Gate", "answer", function="absent")))
    assert world.wait("missing", execution) == "Failed"
    assert "absent could not be invoked" in world.error("missing", execution, "Gate")


def test_a_variable_without_a_value_fails_the_action(world: Any, parts: Any) -> None:
    gate = parts.invoke("Gate", "answer", say="#{Source.Colour}")
    execution = world.create("unresolved", parts.stage("Check", gate))
    assert world.wait("unresolved", execution) == "Failed"
    assert "#{Source.Colour} has no value" in world.error("unresolved", execution, "Gate")


def test_a_job_can_be_answered_once(finished: tuple[Any, str, str]) -> None:
    world, execution, _ = finished
    client, job = world.client, world.runs("main", execution)["Echo"]["output"]["outputVariables"]["job"]
    with pytest.raises(client.exceptions.InvalidJobStateException):
        client.put_job_success_result(jobId=job)
    with pytest.raises(client.exceptions.JobNotFoundException):
        client.put_job_success_result(jobId=job.replace(job[:8], "00000000"))
    details = client.get_job_details(jobId=job)["jobDetails"]
    assert json.loads(details["data"]["actionConfiguration"]["configuration"]["UserParameters"])["do"] == "answer"
    assert details["data"]["pipelineContext"]["pipelineExecutionId"] == execution


def test_a_fault_fails_an_action_before_or_after_it_ran(world: Any, parts: Any, tmp_path: Any) -> None:
    seen = tmp_path / "seen"
    world.project("touch", {"phases": {"build": {"commands": [f"touch {seen}"]}}})
    world.faults["faulty/Make"] = "The power went off."
    execution = world.create("faulty", parts.stage("Build", parts.build("Make", "touch")))
    assert world.wait("faulty", execution) == "Failed"
    assert not seen.exists()
    world.faults["faulty/Make"] = FailAfter("The power went off afterwards.")
    world.client.retry_stage_execution(
        pipelineName="faulty", stageName="Build", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
    )
    assert world.wait("faulty", execution) == "Failed"
    assert seen.exists()
    assert world.error("faulty", execution, "Make") == "The power went off afterwards."
