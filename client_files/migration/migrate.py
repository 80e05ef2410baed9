"""Client files of the old releases become one file of the current form, and every field's fate is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from client_files.migration.changelog import changelog, changelog_index, next_version
from client_files.migration.fates import Addition, Fate, Ledger
from client_files.migration.known_names import known_names
from client_files.migration.old_fields import reason_for_dropping
from client_files.migration.old_file import OldFile, read_old_file, story_of
from client_files.migration.rules import Rules
from client_files.text import Quoted
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Canonical
from vectora_shared.config.content import Content, ContentWithFile
from vectora_shared.config.loading import client_configuration
from vectora_shared.config.section import read_section
from vectora_shared.config.wording import dotted
from vectora_shared.config.yaml_file import YamlFile, parse_yaml
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import client_key

SCHEMA_LINE = "# yaml-language-server: $schema=../schemas/client.json"
_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Migration:
    """`body` is the new file; with `problems`, sentences on what a person must decide, it must not be written."""

    client_id: str
    version: str
    files: tuple[str, ...]
    body: bytes
    fates: tuple[Fate, ...]
    added: tuple[Addition, ...]
    superseded: dict[str, int] = field(default_factory=dict)  # fields of older files that the newest has too
    problems: tuple[str, ...] = ()

    def that(self, *happened: str) -> list[Fate]:
        return [fate for fate in self.fates if fate.happened in happened]


def read_old_files(paths: Sequence[Path], client_id: str | None) -> tuple[OldFile, ...]:
    """The newest version first, then the latest dates, then the order given; each file once.

    Raises ConfigurationError when one is no old client file, or when they are not of one client.
    """
    by_place = {path.resolve(): path for path in reversed(paths)}
    files = [read_old_file(path, client_id) for path in sorted(by_place.values(), key=paths.index)]
    stems = {file.stem: file for file in files}
    if len(stems) > 1 and client_id is None:
        named = " and ".join(f"{file.name} of {stem}" for stem, file in stems.items())
        raise ConfigurationError(
            f"These are files of different clients, {named}: migrate each client alone, or say --client-id."
        )
    return tuple(sorted(files, key=_age, reverse=True))


def new_client_id(files: Sequence[OldFile], client_id: str | None) -> str:
    """Raises ConfigurationError when it could be no client's id."""
    found = client_id or files[0].stem
    if not _ID.fullmatch(found):
        advice = "choose another" if client_id else "say one with --client-id"
        where = "--client-id" if client_id else files[0].where(("client_profile", "client_id"))
        raise ConfigurationError(
            f"{where}: '{found}' is no client id, which is made of small letters, digits and underscores: {advice}."
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
    """One file for all `files`, of which the first is the newest; `existing` is the file that it will replace.

    `canonical` is that of `content`. What cannot be done without a person's decision is in the result's problems.
    """
    newest = files[0]
    rules = Rules(newest, client_id, known_names(canonical))
    rules.apply()
    version = next_version(newest, existing)
    names = tuple(file.name for file in files)
    if rules.problems:
        return Migration(client_id, version, names, b"", (), (), problems=tuple(rules.problems))
    entries = changelog(files, existing, version, today.isoformat())
    _tell_story(rules, entries, version)
    rules.finish()
    fates = [*_fates(newest, rules.ledger)]
    superseded: dict[str, int] = {}
    for file in files[1:]:
        older = _older_ledger(file, newest, entries)
        superseded[file.name] = len(older.undecided)
        fates += _fates(file, older)
    rules.text.tidy()
    rules.text.header.insert(0, SCHEMA_LINE)
    body = (rules.text.text().rstrip("\n") + "\n").encode("utf-8")
    as_deployed = ContentWithFile(content, client_key(client_id), body)
    return Migration(
        client_id=client_id,
        version=version,
        files=names,
        body=body,
        fates=tuple(fates),
        added=tuple(rules.additions),
        superseded=superseded,
        problems=tuple(_remaining_problems(rules, body, client_id, as_deployed, canonical)),
    )


def _age(file: OldFile) -> tuple[Any, ...]:
    return file.version, file.day("last_modified") or "", file.day("created_date") or ""


def _tell_story(rules: Rules, entries: list[dict[str, Any]], version: str) -> None:
    """The semantic version and the changelog; the old file's story is in an entry of it."""
    for path in (("client_profile", "version"), ("metadata", "config_version"), ("metadata", "changelog")):
        for old in rules.ledger.below(path):
            rules.ledger.drop(old, "the current form has its own")
        rules.text.delete(path)
    reason = "semantic version; the next major one, because by the migration items appear and disappear"
    rules.add(("client_profile", "version"), Quoted(version), reason, after="client_id")
    rules.write(("metadata", "changelog"), entries, first=True)
    rules.add(("metadata", "config_version"), Quoted(version), "the same as client_profile.version", first=True)
    rules.additions.append(Addition("metadata.changelog[0]", dict(entries[0]), "what this version changed, for people"))
    _note_story(rules.ledger, rules.file, entries)


def _note_story(ledger: Ledger, file: OldFile, entries: list[dict[str, Any]]) -> None:
    """Which fields of an old file stand in the changelog now."""
    index = changelog_index(entries, file)
    at = ("metadata", "changelog", index)
    entry = entries[index]
    template = ("metadata", "template_version")
    if file.value(*template) is not None:
        ledger.change(template, (*at, "version"), str(entry["version"]), "one entry of the changelog for each old file")
    day = next((name for name in ("created_date", "last_modified") if file.day(name)), None)
    if day:
        ledger.change(("metadata", day), (*at, "date"), str(entry["date"]), "the day of its entry in the changelog")
    _, told_by = story_of(file)
    if told_by:
        rest = " (the objective; the rest was the steps of one change)" if told_by[-1] == "creation_notes" else ""
        ledger.change(told_by, (*at, "changes"), entry["changes"], f"the story of its version{rest}")


def _older_ledger(file: OldFile, newest: OldFile, entries: list[dict[str, Any]]) -> Ledger:
    """Fields that the newest file has too are left undecided: it supersedes them."""
    ledger = Ledger(file.name, file.text.data)
    has = set(newest.text.positions)
    for path in ledger.fields:
        if path not in has:
            ledger.drop(path, f"{newest.client_id} has it no more: {reason_for_dropping(path)}")
    _note_story(ledger, file, entries)
    return ledger


def _fates(file: OldFile, ledger: Ledger) -> list[Fate]:
    return [
        Fate(
            file=ledger.file,
            path=dotted(path),
            line=file.text.line_of(path),
            value=file.text.value(path),
            happened=happened,
            to=dotted(to) if to else None,
            after=after,
            reason=reason,
        )
        for path in ledger.fields
        if path in ledger.fates
        for happened, to, after, reason in [ledger.fates[path]]
    ]


def _remaining_problems(rules: Rules, body: bytes, client_id: str, content: Content, canonical: Canonical) -> list[str]:
    """What the schema and the canonical content say against the new file, by the lines of the old one where it can."""
    try:
        parsed = parse_yaml(client_key(client_id), body)
        read_section(ClientConfig, YamlFile(rules.file.name, parsed.data, rules.text.origins()))
        client_configuration(content, client_id, canonical)
    except ConfigurationError as error:
        return str(error).splitlines()
    return []
