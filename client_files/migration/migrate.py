"""Migration of client files of old releases to one file of the current form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from client_files.migration.changelog import changelog, changelog_index, next_version, old_entries
from client_files.migration.draft import Draft
from client_files.migration.known_names import known_names
from client_files.migration.old_fields import reason_for_dropping
from client_files.migration.old_file import CHANGELOG, VERSION_FIELDS, OldFile, purpose_of, read_old_file
from client_files.migration.outcomes import Action, Addition, Decisions, FieldOutcome
from client_files.migration.rules import apply_rules
from client_files.text import Quoted
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Canonical
from vectora_shared.config.content import Content, ContentWithFile
from vectora_shared.config.loading import client_configuration
from vectora_shared.config.section import read_section
from vectora_shared.config.wording import Path as FieldPath
from vectora_shared.config.wording import dotted
from vectora_shared.config.yaml_file import YamlFile, parse_yaml
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import client_key

SCHEMA_LINE = "# yaml-language-server: $schema=../schemas/client.json"
_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Migration:
    """A new file `body`; with `problems`, sentences on what a person must decide, it must not be written."""

    client_id: str
    version: str
    files: tuple[str, ...]
    body: bytes
    outcomes: tuple[FieldOutcome, ...]
    added: tuple[Addition, ...]
    superseded: dict[str, int] = field(default_factory=dict)  # number of fields that the newest file has too, by file
    problems: tuple[str, ...] = ()

    def outcomes_of(self, action: Action) -> list[FieldOutcome]:
        return [outcome for outcome in self.outcomes if outcome.action == action]


def read_old_files(paths: Sequence[Path], client_id: str | None) -> tuple[OldFile, ...]:
    """Return the files with the newest version first, then the latest dates, then the order given; each file once.

    Raises ConfigurationError when one is no old client file, or when they belong to several clients.
    """
    by_target = {path.resolve(): path for path in reversed(paths)}
    files = [read_old_file(path, client_id) for path in sorted(by_target.values(), key=paths.index)]
    stems = {file.stem: file for file in files}
    if len(stems) > 1 and client_id is None:
        named = " and ".join(f"{file.name} of {stem}" for stem, file in stems.items())
        raise ConfigurationError(
            f"These are files of different clients, {named}: migrate each client separately, or give --client-id."
        )
    return tuple(sorted(files, key=_age, reverse=True))


def new_client_id(files: Sequence[OldFile], client_id: str | None) -> str:
    """Return the id of the new file; raise ConfigurationError when it is not valid."""
    found = client_id or files[0].stem
    if not _ID.fullmatch(found):
        advice = "choose another" if client_id else "give one with --client-id"
        where = "--client-id" if client_id else files[0].where(("client_profile", "client_id"))
        raise ConfigurationError(
            f"{where}: '{found}' is no client id, which consists of small letters, digits and underscores: {advice}."
        )
    return found


def migrate(
    files: Sequence[OldFile],
    client_id: str,
    *,
    content: Content,
    canonical: Canonical,
    today: date,
    existing: ClientConfig | None = None,
) -> Migration:
    """Return one new file for all `files`, of which the first is the newest; it replaces `existing`.

    `canonical` is that of `content`. Everything that needs a person's decision is in the result's problems.
    """
    newest = files[0]
    draft = Draft(newest, client_id, known_names(canonical))
    apply_rules(draft)
    version = next_version(newest, existing)
    names = tuple(file.name for file in files)
    if draft.problems:
        return Migration(client_id, version, names, b"", (), (), problems=tuple(draft.problems))
    entries = changelog(files, existing, version, today.isoformat())
    _write_versions(draft, entries, version)
    draft.finish()
    outcomes = _outcomes(newest, draft.decisions)
    superseded: dict[str, int] = {}
    for file in files[1:]:
        decisions = _decisions_on_older(file, newest, entries)
        superseded[file.name] = len(decisions.undecided)
        outcomes += _outcomes(file, decisions)
    body = _body(draft)
    as_deployed = ContentWithFile(content, client_key(client_id), body)
    return Migration(
        client_id=client_id,
        version=version,
        files=names,
        body=body,
        outcomes=tuple(outcomes),
        added=tuple(draft.additions),
        superseded=superseded,
        problems=tuple(_remaining_problems(draft, body, client_id, as_deployed, canonical)),
    )


def _age(file: OldFile) -> tuple[Any, ...]:
    return file.version, file.day("last_modified") or "", file.day("created_date") or ""


def _write_versions(draft: Draft, entries: list[dict[str, Any]], version: str) -> None:
    """Write the semantic version and the changelog."""
    for path in (*VERSION_FIELDS[:2], CHANGELOG):
        draft.text.delete(path)
    reason = "semantic version; the next major one, because items appear and disappear after the migration"
    _write_version(draft, VERSION_FIELDS[0], version, reason, after="client_id")
    draft.write(CHANGELOG, entries, first=True)
    _write_version(draft, VERSION_FIELDS[1], version, "the same as client_profile.version", first=True)
    draft.additions.append(Addition("metadata.changelog[0]", dict(entries[0]), "describes the changes of this version"))
    _decide_on_metadata(draft.decisions, draft.file, entries)


def _write_version(draft: Draft, path: FieldPath, version: str, reason: str, **position: Any) -> None:
    """Write a version in place of the old one, whose number the changelog has, or as a new field."""
    if draft.file.value(*path) is None:
        draft.add(path, Quoted(version), reason, **position)
    else:
        draft.write(path, Quoted(version), **position)
        draft.decisions.change(path, path, version, reason)


def _decide_on_metadata(decisions: Decisions, file: OldFile, entries: list[dict[str, Any]]) -> None:
    """Record which metadata of an old file is now in the changelog."""
    _decide_on_changelog(decisions, file, entries)
    index = changelog_index(entries, file.version)
    at = (*CHANGELOG, index)
    entry = entries[index]
    template = ("metadata", "template_version")
    if file.value(*template) is not None:
        reason = "the changelog has one entry per old version"
        decisions.change(template, (*at, "version"), str(entry["version"]), reason)
    day = next((name for name in ("created_date", "last_modified") if file.day(name)), None)
    if day:
        decisions.change(("metadata", day), (*at, "date"), str(entry["date"]), "the date of its changelog entry")
    _, field_path = purpose_of(file)
    if field_path:
        rest = " (the objective; the rest describes steps)" if field_path[-1] == "creation_notes" else ""
        decisions.change(field_path, (*at, "changes"), entry["changes"], f"describes its version{rest}")


def _decide_on_changelog(decisions: Decisions, file: OldFile, entries: list[dict[str, Any]]) -> None:
    """Record which fields of an old changelog are in the new one, whose entries are ordered by version."""
    decisions.drop_below(CHANGELOG, "an entry needs a version and changes")
    for old in old_entries(file):
        at = changelog_index(entries, old.version)
        decisions.drop_below((*CHANGELOG, old.index), "an entry has version, date and changes")
        names = {"version": ("version",), "date": ("date",) if old.date else (), "changes": old.text_keys}
        for name, keys in names.items():
            for path in (each for key in keys for each in decisions.below((*CHANGELOG, old.index, key))):
                decisions.change(path, (*CHANGELOG, at, name), str(entries[at][name]), "in the new changelog")


def _decisions_on_older(file: OldFile, newest: OldFile, entries: list[dict[str, Any]]) -> Decisions:
    """Decide on an older file; fields that the newest file has too stay undecided, because it supersedes them."""
    decisions = Decisions(file.name, file.text.data)
    in_newest = set(newest.text.positions)
    for path in decisions.fields:
        if path not in in_newest:
            decisions.drop(path, f"{newest.client_id} no longer has it: {reason_for_dropping(path)}")
    _decide_on_metadata(decisions, file, entries)
    return decisions


def _outcomes(file: OldFile, decisions: Decisions) -> list[FieldOutcome]:
    return [
        FieldOutcome(
            file=decisions.file,
            path=dotted(path),
            line=file.text.line_of(path),
            value=file.text.value(path),
            action=decision.action,
            to=dotted(decision.to) if decision.to else None,
            after=decision.after,
            reason=decision.reason,
        )
        for path in decisions.fields
        if (decision := decisions.by_path.get(path)) is not None
    ]


def _body(draft: Draft) -> bytes:
    draft.text.normalize_blank_lines()
    draft.text.header.insert(0, SCHEMA_LINE)
    # The new file is one of the repository, whose line ends are \n.
    text = re.sub("\r\n?", "\n", draft.text.text())
    return (text.rstrip("\n") + "\n").encode("utf-8")


def _remaining_problems(draft: Draft, body: bytes, client_id: str, content: Content, canonical: Canonical) -> list[str]:
    """Return errors of the schema and the canonical files, with lines of the old file where they are known."""
    try:
        parsed = parse_yaml(client_key(client_id), body)
        read_section(ClientConfig, YamlFile(draft.file.name, parsed.data, draft.text.origins()))
        client_configuration(content, client_id, canonical)
    except ConfigurationError as error:
        return str(error).splitlines()
    return []
