"""Command `./vectora adopt`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from adoption.adopt import Adoption, plan_adoption, snapshot_of_adopted
from adoption.adopt import adopt as carry_out
from adoption.announcements import Announcement, announce
from cli.adoption_text import lines_of_adoption, lines_of_announcement
from cli.cdk_bootstrap import EXECUTION_ROLE, bootstrap_of
from cli.confirmation import require_confirmation
from cli.options import Env, Json, Yes, option
from cli.output import out, print_json, report_errors
from cli.paths import CONFIG, ROOT
from cli.progress import progress_display
from cli.target import open_target
from vectora_shared.config.content import FolderContent
from vectora_shared.config.publication import PREFIXES


@report_errors
def adopt(
    env: Env,
    dry_run: Annotated[bool, option("--dry-run", "Also shows what a deployment would change.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Import resources that exist outside any stack (created by hand, or left behind by a deleted stack).

    Before the first deployment, also brings the templates of the stacks to what runs, so that a rollback can restore
    it, and shows all that the deployment will change or remove. What runs stays as it is.
    """
    # Imported here because importing aws_cdk starts a Node.js process.
    from stacks.synthesis import synthesized_templates

    target = open_target(env)
    account, names = target.account, target.names
    bootstrap = bootstrap_of(names, account.account_id, account.region)
    code_bucket = bootstrap.assets_bucket
    with progress_display() as display:
        display.step("synthesizing the templates")
        templates = synthesized_templates(ROOT, env)
        display.step("searching for existing resources")
        adoption = plan_adoption(account, names, templates, code_bucket)
        waiting = frozenset(resource.stack_name for resource in adoption.resources)
        announced = (
            announce(account, names, templates, _configuration_files(), code_bucket=code_bucket, waiting=waiting)
            if adoption.is_first
            else None
        )
    if not json:
        _show(env, adoption, announced)
    snapshot = None
    if not dry_run and not adoption.nothing_to_do:
        if not yes:
            require_confirmation(f"adopt these resources of {env}", env)
        # CloudFormation uses its own role: operators may not read and tag every kind of imported resource.
        role = bootstrap.role_arn(EXECUTION_ROLE)
        with progress_display() as display:
            display.step("importing the resources through CloudFormation")
            carry_out(account, names, adoption, code_bucket=code_bucket, role_arn=role)
            if adoption.has_functions:
                snapshot = snapshot_of_adopted(account, names, display)
    if json:
        print_json(_document(env, dry_run, adoption, announced, snapshot.name if snapshot else None))
    elif dry_run:
        out.print("Nothing was changed.")
    elif not adoption.nothing_to_do:
        out.say(
            f"Adopted; what runs is as before. To see what a deployment changes: ./vectora adopt --env {env} --dry-run"
        )
        out.say(
            f"Then deploy: cdk deploy --context env={env}. "
            + (f"The way back is snapshot {snapshot.name}." if snapshot else "It takes the snapshot to come back to.")
        )


def _configuration_files() -> dict[str, bytes]:
    content = FolderContent(CONFIG)
    return {key: content.read(key) for prefix in PREFIXES for key in content.keys(prefix)}


def _show(env: str, adoption: Adoption, announced: Announcement | None) -> None:
    if announced is not None:
        for line in lines_of_announcement(announced):
            out.say(line)
    if adoption.nothing_to_do:
        out.say(f"Nothing to import: every existing resource of {env} belongs to its stacks.")
    for line in lines_of_adoption(adoption):
        out.say(line)


def _document(
    env: str, dry_run: bool, adoption: Adoption, announced: Announcement | None, snapshot: str | None
) -> dict[str, Any]:
    return {
        "env": env,
        "dry_run": dry_run,
        "resources": [asdict(resource) for resource in adoption.resources],
        "recorded": [
            {
                "stack": record.definition.name,
                "functions": list(record.functions),
                "descriptions": list(record.descriptions),
                "roles": list(record.roles),
            }
            for record in adoption.records
        ],
        "deployment": asdict(announced) if announced else None,
        "snapshot": snapshot,
    }
