"""Command `./vectora adopt`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.cdk_bootstrap import EXECUTION_ROLE, bootstrap_of
from cli.options import Env, Json
from cli.output import err, out, print_json, report_errors
from cli.paths import ROOT
from cli.target import open_target
from vectora_ops.cloudformation.imports import find_importable, import_resources


@report_errors
def adopt(
    env: Env,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be imported.")] = False,
    json: Json = False,
) -> None:
    """Import resources that exist outside any stack (created by hand, or left behind by a deleted stack)."""
    # Imported here because importing aws_cdk starts a Node.js process.
    from stacks.synthesis import synthesized_templates

    account = open_target(env).account
    err.print("Reading the templates and searching for existing resources ...")
    resources = find_importable(account, synthesized_templates(ROOT, env))
    if not dry_run:
        # CloudFormation uses its own role: operators may not read and tag every kind of imported resource.
        role = bootstrap_of(ROOT, account.account_id, account.region).role_arn(EXECUTION_ROLE)
        import_resources(account, resources, role_arn=role)
    if json:
        print_json({"env": env, "dry_run": dry_run, "resources": [asdict(resource) for resource in resources]})
        return
    for resource in resources:
        out.say(f"{resource.stack_name}: {resource.kind} {resource.name}")
    if not resources:
        out.say(f"Nothing to import: every existing resource of {env} belongs to its stacks.")
    elif dry_run:
        out.print("Nothing was changed.")
    else:
        out.say(f"Imported. Deploy now, which also restores the bucket policies: cdk deploy --context env={env}")
