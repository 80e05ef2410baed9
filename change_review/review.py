"""Review of a checkout against its base: every part of it, from the files of both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from change_review.accepted import FILE as ACCEPTED_FILE
from change_review.accepted import read_accepted, with_acceptances
from change_review.access_findings import findings_on
from change_review.architecture import Architecture, architecture_of
from change_review.changes import changes_of_environment
from change_review.clients import FOLDERS as CLIENT_FOLDERS
from change_review.clients import client_changes, frequencies
from change_review.cost import cost_of, findings_on_cost
from change_review.finding import identified
from change_review.merging import merged
from change_review.model import (
    ACTIONS,
    ANY_ENVIRONMENT,
    TENDENCIES,
    ClientChange,
    Cost,
    Difference,
    Finding,
    PermissionChange,
    ReleaseChange,
    ResourceChange,
    Review,
    Row,
    Side,
)
from change_review.permissions import permission_changes, policy_changes
from change_review.release_files import ReleaseFiles
from change_review.releases import release_changes
from change_review.schemas import Schemas
from change_review.settings import FILE as SETTINGS_FILE
from change_review.settings import (
    SettingsOfSide,
    differing_settings,
    findings_on_settings,
    read_settings,
    setting_rows,
)
from change_review.sides import Files, Repository
from change_review.stale import notes_on_stale_templates
from change_review.supervision import findings_on_rows, function_rows, gate_findings, watch_rows
from change_review.templates import FOLDER, StackPair, pairs
from change_review.values import parse_template
from change_review.verdict import counts_of, verdict_of
from vectora_ops.settings import ENVIRONMENT_NAMES

POLICIES = {"operators": "docs/reference/operator-policy.json", "approvers": "docs/reference/approver-policy.json"}

# Code that decides what a report says.
REVIEWER = ("change_review/", "lambda_src/vectora_review/", "cli/review.py")
COST_LIMIT_USD = 5.0
Sides = tuple[Files, Files]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Choices of the caller: the day, a limit of added cost, and curated news for the preview of newsletters."""

    today: date
    cost_limit_usd: float = COST_LIMIT_USD
    data: Path | None = None


def review_checkout(root: Path, base: str, limits: Limits) -> Review:
    """Return the review of a working tree against the commit that it shares with `base`.

    Reads files of both sides and runs nothing of them. Raises VectoraError when there is no such commit.
    """
    repository = Repository(root)
    commit = repository.base_commit(base)
    base_side = Side(name=f"{base} ({commit[:10]})", commit=commit)
    head_side = Side(name=repository.name_of_head())
    files = (repository.files_of(commit), repository.working_files())
    return _reviewed(files, repository.changed_paths(commit), (base_side, head_side), limits)


def review_since_release(root: Path, release: ReleaseFiles, limits: Limits, head: str | None = None) -> Review:
    """Return the review of a working tree against the files of a release, without git; `head` names the tree."""
    repository = Repository(root)
    files = (release.files, repository.working_files())
    sides = (Side(name=release.files.name), Side(name=head or repository.name_of_head()))
    return _reviewed(files, release.changed_paths(root), sides, limits)


def review_templates(before: dict[str, bytes], after: dict[str, bytes], limits: Limits) -> Review:
    """Return the review of templates by their path in a folder, without settings and history."""
    names = ("before", "after")
    bodies = (before, after)
    files = [
        Files(name, {f"{FOLDER}{path}": body for path, body in each.items()})
        for name, each in zip(names, bodies, strict=True)
    ]
    return _reviewed((files[0], files[1]), (), (Side(name="before"), Side(name="after")), limits)


def _reviewed(files: Sides, paths: Sequence[str], sides: tuple[Side, Side], limits: Limits) -> Review:
    before, after = files
    stacks, schemas = tuple(pairs(before.below(FOLDER), after.below(FOLDER))), Schemas()
    # A policy of people is of no environment, and its label in no text stands for one.
    plain_names = {each.environment: each.plain_name for each in stacks} | dict.fromkeys(POLICIES, ANY_ENVIRONMENT)
    settings = (
        read_settings(before.name, before.read(SETTINGS_FILE)),
        read_settings(after.name, after.read(SETTINGS_FILE)),
    )
    rows = tuple(setting_rows(*settings))
    resources, findings = _resources(stacks, schemas)
    permissions = (*_policies(files), *(each for pair in stacks for each in permission_changes(pair, schemas)))
    watched = [(pair, tuple(watch_rows(pair, schemas))) for pair in stacks]
    cost = _cost(files, stacks, settings)
    drafts = [
        *findings,
        *findings_on_settings(rows),
        *(each for pair, found in watched for each in findings_on_rows(found, pair.stack)),
        *(each for pair in stacks for each in gate_findings(pair, rows)),
        *findings_on_cost(cost, limits.cost_limit_usd, settings[1].settings),
    ]
    on_access = findings_on(permissions, plain_names)
    accepted = read_accepted(after.read(ACCEPTED_FILE))
    return _assembled(
        sides,
        findings=tuple(with_acceptances(identified(drafts, on_access, plain_names), accepted, limits.today)),
        resources=tuple(sorted(merged(resources, plain_names), key=lambda each: ACTIONS.index(each.action))),
        permissions=tuple(sorted(merged(permissions, plain_names), key=lambda each: TENDENCIES.index(each.tendency))),
        settings=_ordered(merged(rows, {})),
        alarms=_ordered(merged((each for _, found in watched for each in found), plain_names)),
        functions=_ordered(merged((each for pair in stacks for each in function_rows(pair, schemas)), plain_names)),
        cost=cost,
        environments=tuple(differing_settings(*settings)),
        clients=tuple(client_changes(before, after, limits.data)),
        releases=tuple(release_changes(paths, files, settings)),
        other_files=_other_files(paths),
        notes=(
            *(each.note for each in settings if each.note and paths),
            *notes_on_stale_templates(after, settings[1].settings, paths),
            *_notes_on_accepted(files),
            *_notes_on_reviewer(paths),
        ),
    )


def _assembled(
    sides: tuple[Side, Side],
    *,
    findings: tuple[Finding, ...],
    resources: tuple[ResourceChange, ...],
    permissions: tuple[PermissionChange, ...],
    settings: tuple[Row, ...],
    alarms: tuple[Row, ...],
    functions: tuple[Row, ...],
    cost: Cost,
    environments: tuple[Difference, ...],
    clients: tuple[ClientChange, ...],
    releases: tuple[ReleaseChange, ...],
    other_files: tuple[tuple[str, int], ...],
    notes: tuple[str, ...],
) -> Review:
    released = [each for each in releases if each.content]
    is_changed = any((resources, permissions, settings, alarms, functions, clients, released))
    return Review(
        base=sides[0],
        head=sides[1],
        verdict=verdict_of(findings, is_changed=is_changed, other_files=len(other_files)),
        counts=counts_of(findings, resources, permissions, settings),
        findings=findings,
        resources=resources,
        permissions=permissions,
        settings=settings,
        alarms=alarms,
        functions=functions,
        cost=cost,
        environments=environments,
        clients=clients,
        releases=releases,
        other_files=other_files,
        notes=notes,
    )


def _resources(stacks: Sequence[StackPair], schemas: Schemas) -> tuple[list[ResourceChange], list[Finding]]:
    by_environment: dict[str, list[StackPair]] = {}
    for pair in stacks:
        by_environment.setdefault(pair.environment, []).append(pair)
    resources: list[ResourceChange] = []
    findings: list[Finding] = []
    for group in by_environment.values():
        changes, found = changes_of_environment(group, schemas)
        resources += changes
        findings += found
    return resources, findings


def _policies(files: Sides) -> Iterator[PermissionChange]:
    for name, path in POLICIES.items():
        old, new = (each.read(path) for each in files)
        if old != new:
            yield from policy_changes(name, f"of {name}", old, new)


def _cost(files: Sides, stacks: Sequence[StackPair], settings: tuple[SettingsOfSide, SettingsOfSide]) -> Cost:
    """Return the cost of what is deployed once: the examples of other set-ups are templates of the same things."""
    deployed = tuple(each for each in stacks if each.environment == each.plain_name)
    is_by_runs = any(each.below(folder) != files[0].below(folder) for each in files for folder in CLIENT_FOLDERS) or (
        settings[0].values != settings[1].values
    )
    often = (frequencies(files[0]), frequencies(files[1])) if is_by_runs else ((), ())
    return cost_of(deployed, (settings[0].settings, settings[1].settings), often)


def _ordered(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda each: (TENDENCIES.index(each.tendency), each.name, each.key)))


def _other_files(paths: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Return the folders of the files that differ, with how many files of each."""
    tops = Counter(path.partition("/")[0] + ("/" if "/" in path else "") for path in paths)
    return tuple(sorted(tops.items()))


def _notes_on_accepted(files: Sides) -> Iterator[str]:
    old, new = (read_accepted(each.read(ACCEPTED_FILE)) for each in files)
    for each in new:
        if each not in old:
            yield f"This change itself accepts the finding {each.id}: {each.reason} ({each.by}, until {each.until})."


def _notes_on_reviewer(paths: Sequence[str]) -> Iterator[str]:
    own = [path for path in paths if path.startswith(REVIEWER)]
    if own:
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        yield f"This change edits the review itself ({own[0]}{more}), which then judges itself: read that first."


def architecture_after(root: Path, review: Review) -> Architecture | None:
    """Return the architecture of the working tree in prod, with what changes marked; None without valid settings."""
    files = Repository(root).working_files()
    settings = read_settings(files.name, files.read(SETTINGS_FILE)).settings
    if settings is None:
        return None
    env = ENVIRONMENT_NAMES[-1]
    templates = files.below(f"{FOLDER}{env}/")
    stacks = {path.removesuffix(".yaml"): parse_template(path, body) for path, body in templates.items()}
    changed = {
        each.name.replace(ANY_ENVIRONMENT, env).removeprefix(f"{settings.project}-").removesuffix(f"-{env}")
        for each in review.resources
        if env in each.environments
    }
    return architecture_of(stacks, settings.project, env).marked(changed)
