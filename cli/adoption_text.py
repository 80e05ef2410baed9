"""Lines of `./vectora adopt` on what it imports and records, and on what the first deployment changes."""

from __future__ import annotations

from collections.abc import Iterator

from adoption.adopt import Adoption
from adoption.announcements import Announcement, ChangedConfiguration, StackChanges

SHOWN_KEYS = 10


def lines_of_adoption(adoption: Adoption) -> Iterator[str]:
    """Yield what an adoption imports and records."""
    if adoption.resources:
        yield "To import, as it is:"
    for resource in adoption.resources:
        yield f"  {resource.stack_name}: {resource.kind} {resource.name}"
    if adoption.records:
        yield "To record in templates, as it runs:"
    for record in adoption.records:
        for function in record.functions:
            yield f"  {record.definition.name}: code and settings of {function}"
        if record.roles:
            yield f"  {record.definition.name}: the permissions boundary of {', '.join(record.roles)}"
        if record.descriptions:
            yield (
                f"  {record.definition.name}: {len(record.descriptions)} descriptions with lost characters, removed: "
                f"{', '.join(record.descriptions)}"
            )


def lines_of_announcement(announced: Announcement) -> Iterator[str]:
    """Yield what the next deployment changes or removes."""
    yield "The next deployment will:"
    for resource in announced.removed:
        logs = " and the events in it" if "LogGroup" in resource.kind else ""
        yield f"  remove {resource.kind} {resource.name}{logs} ({resource.stack})"
    for function in announced.functions:
        others = "".join(f"; {change}" for change in function.changes)
        yield f"  change function {function.name}: code, layers, role{others}"
    for group in announced.log_groups:
        before = f"{group.days_before} days" if group.days_before else "for ever"
        yield f"  keep events in {group.name} for {group.days} days, not {before}: older ones are deleted"
    yield from _configuration(announced.configuration)
    for bucket, days in announced.old_versions.items():
        yield f"  delete old versions of objects in {bucket} {days} days after they were replaced or deleted"
    yield "  replace the policies of its buckets by its own"
    for stack in announced.stacks:
        yield f"  {_judgement(stack)}"


def _configuration(configuration: ChangedConfiguration) -> Iterator[str]:
    if configuration.overwritten:
        yield f"  overwrite in the config bucket: {_listed(configuration.overwritten)}"
    if configuration.deleted:
        yield f"  remove from the config bucket: {_listed(configuration.deleted)}"
    if configuration.kept:
        yield f"  keep in the config bucket, unused: {_listed(configuration.kept)}"
    if len(configuration.active_clients) > 1:
        yield (
            f"  run only clients of this release; {len(configuration.active_clients)} client files are active now: "
            f"{_listed(configuration.active_clients)}"
        )


def _judgement(stack: StackChanges) -> str:
    if stack.replaced:
        return f"REPLACE in {stack.stack}: {', '.join(stack.replaced)}. Do not deploy this release."
    counts = ", ".join(
        f"{sum(change.action == action for change in stack.changes)} {word}"
        for action, word in (("Modify", "changed"), ("Add", "added"), ("Remove", "removed"))
    )
    return f"replace nothing in {stack.stack}, says CloudFormation: {counts}"


def _listed(keys: tuple[str, ...]) -> str:
    more = len(keys) - SHOWN_KEYS
    return ", ".join(keys[:SHOWN_KEYS]) + (f" and {more} more" if more > 0 else "")
