"""Rows of the table of strictness on what crosses accounts and regions."""

from __future__ import annotations

from rehearsal.refusals import Row, by_emulator, by_stand_in

CROSSING: tuple[Row, ...] = (
    by_emulator(
        "An object of another account, for a role that the bucket policy does not name",
        "S3 User Guide, bucket owner granting cross-account bucket permissions",
        "test_crossing.py::test_a_bucket_policy_admits_the_role_of_another_account_that_it_names",
    ),
    by_emulator(
        "A session whose role is another than the condition on aws:PrincipalArn names",
        "IAM User Guide, AWS global condition context keys, aws:PrincipalArn",
        "test_crossing.py::test_a_session_has_the_arn_of_its_role_as_principal",
    ),
    by_emulator(
        "A template in a bucket of another account that the caller may not read",
        "CloudFormation API reference, CreateChangeSet, TemplateURL",
        "test_crossing.py::test_a_template_in_another_accounts_bucket_needs_both_permissions",
    ),
    by_emulator(
        "Reading an object without permission for its key by the key's policy and by the caller's",
        "S3 User Guide, using SSE-KMS; KMS Developer Guide, allowing users in other accounts to use a KMS key",
        "test_crossing.py::test_an_object_with_a_foreign_key_is_read_with_the_permission_of_key_and_caller",
    ),
    by_emulator(
        "Writing an object without permission for its key",
        "S3 User Guide, using SSE-KMS: kms:GenerateDataKey",
        "test_crossing.py::test_an_object_is_not_written_without_permission_for_its_key",
    ),
    by_emulator(
        "Reading an object with a grant of its key that names other operations",
        "KMS Developer Guide, grants in AWS KMS",
        "test_crossing.py::test_a_grant_of_a_key_allows_what_it_names",
    ),
    by_emulator(
        "Events for a bus of another account whose policy does not allow the rule",
        "EventBridge User Guide, permissions for event buses",
        "test_crossing.py::test_a_bus_of_another_account_receives_what_its_policy_allows",
    ),
    by_emulator(
        "Events for a bus elsewhere with a role that EventBridge cannot assume, or that lacks events:PutEvents",
        "EventBridge User Guide, sending and receiving events between accounts, and between Regions",
        "test_crossing.py::test_a_bus_elsewhere_is_reached_only_by_a_role_with_permission",
    ),
    by_stand_in(
        "An action with a role of another account that does not trust the pipeline's role",
        "CodePipeline User Guide, create a pipeline that uses resources from another account",
        "test_other_accounts.py::test_a_role_of_another_account_must_trust_the_pipelines_role",
    ),
    by_stand_in(
        "An artifact in the pipeline's account whose key the action's role of another account may not use",
        "CodePipeline User Guide, create a pipeline that uses resources from another account",
        "test_other_accounts.py::test_a_stack_of_another_account_needs_bucket_and_key_of_the_pipeline",
    ),
    by_stand_in(
        "An action in a region for which the pipeline has no artifact store",
        "CodePipeline API reference, PipelineDeclaration, artifactStores",
        "test_pipeline_definitions.py::test_an_invalid_declaration_is_refused_with_one_sentence",
    ),
)
