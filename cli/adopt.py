"""Command `./vectora adopt`: import existing resources into the stacks that define them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.cdk_bootstrap import EXECUTION_ROLE, bootstrap_of
from cli.output import err, in_one_sentence, out, print_json
from cli.place import ROOT, Env, Json
from vectora_ops.account import open_account
from vectora_ops.cloudformation.imports import find_importable
from vectora_ops.cloudformation.imports import import_resources as take_in
from vectora_ops.settings import load_settings


@in_one_sentence
def adopt(
    env: Env,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be taken in.")] = False,
    json: Json = False,
) -> None:
    """Take what belongs to no stack into those that define it: made by hand, or left by a stack that is gone."""
    from stacks.synthesis import synthesized_templates

    settings = load_settings(ROOT)
    account = open_account(settings.environment(env), env)
    err.print("Reading the templates and looking for what exists ...")
    orphans = find_importable(account, synthesized_templates(ROOT, env))
    if not dry_run:
        # With CloudFormation's own role: an operator may not read and tag whatever is imported.
        role = bootstrap_of(ROOT, account.account_id, account.region).role_arn(EXECUTION_ROLE)
        take_in(account, orphans, role_arn=role)
    if json:
        print_json({"env": env, "dry_run": dry_run, "resources": [asdict(orphan) for orphan in orphans]})
        return
    for orphan in orphans:
        out.say(f"{orphan.stack_name}: {orphan.kind} {orphan.name}")
    if not orphans:
        out.say(f"Nothing to take in: all that {env} needs and that exists belongs to its stacks.")
    elif dry_run:
        out.print("Nothing was changed.")
    else:
        out.say(f"Taken in; bucket policies come back with the deployment. Now: cdk deploy --context env={env}")
