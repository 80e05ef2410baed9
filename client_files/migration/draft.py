"""New file of a migration while the rules edit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from client_files.migration.current_fields import is_current_field
from client_files.migration.known_names import KnownNames, closest_hint, similar
from client_files.migration.old_fields import NOT_READ, reason_for_dropping
from client_files.migration.old_file import OldFile
from client_files.migration.outcomes import Addition, Decisions
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import SCOPE_KEYS, ScopeKind
from vectora_shared.config.wording import Path, dotted

FREE_TEXTS = ("notes", "note", "description", "comment", "comments")
LONGEST_VALUE = 60


class Draft:
    """Text of the newest old file with the edits, decisions and additions so far.

    `problems` are sentences on what a person must decide; `known` are the names that the new file may use.
    """

    def __init__(self, file: OldFile, client_id: str, known: KnownNames) -> None:
        self.file = file
        self.client_id = client_id
        self.known = known
        self.text = file.text
        self.decisions = Decisions(file.name, file.text.data)
        self.additions: list[Addition] = []
        self.problems: list[str] = []
        self._written: set[Path] = set()
        self._renames: list[tuple[Path, str]] = []

    # Values of the old file

    def get(self, *path: str | int) -> Any:
        return self.text.value(path)

    def keys(self, *path: str | int) -> list[str]:
        """Return the keys of a mapping, none where there is no mapping."""
        value = self.get(*path)
        return list(value) if isinstance(value, dict) else []

    def entries(self, *path: str | int) -> list[Any]:
        """Return the entries of a list, none where there is no list."""
        value = self.get(*path)
        return value if isinstance(value, list) else []

    # Edits of the new file

    def write(self, path: Path, value: Any, **position: Any) -> None:
        """Write a value into the new file."""
        self._written.add(path)
        if len(path) > 1 and not self.text.has(path[:1]):
            nested = value
            for part in reversed(path[1:]):
                nested = {part: nested}
            self.text.insert_section(str(path[0]), nested, list(ClientConfig.model_fields))
        else:
            self.text.set(path, value, **position)

    def add(self, path: Path, value: Any, reason: str, **position: Any) -> None:
        """Write a value that the old file does not have."""
        self.write(path, value, **position)
        self.additions.append(Addition(dotted(path), value, reason))

    def change(self, path: Path, after: Any, reason: str, to: Path | None = None) -> None:
        """Write a value in place of the one at `path`, or at `to`."""
        self.write(to or path, after)
        self.decisions.change(path, to or path, after, reason)

    def carry(self, path: Path, to: Path | None = None, reason: str = "") -> None:
        """Keep everything at `path`; `finish` drops an empty value."""
        if self.get(*path) is None:
            return
        for field in self.decisions.below(path):
            self.decisions.carry(field, (*to, *field[len(path) :]) if to else None, reason)

    def carry_known_names(
        self,
        path: Path,
        known: Sequence[str] | None,
        missing: str,
        *,
        to: Path | None = None,
        reason: str = "",
        needs_one: bool = False,
    ) -> None:
        """Keep the known names of a list, each once, and drop the others; without `known`, every name is known."""
        entries = self.get(*path)
        if needs_one and not entries:
            self.problem(path, f"is empty: at least one of {', '.join(known or ())} is required.")
        if not isinstance(entries, list):
            return
        if not entries:
            self.decisions.carry(path, to, reason)
            return
        kept: list[Any] = []
        for index, name in enumerate(entries):
            field: Path = (*path, index)
            if isinstance(name, dict | list):
                self.problem(field, f"has the value {display_value(name)}: a name is required.")
            elif name is None or name in kept:
                self.decisions.drop(field, "it is empty" if name is None else "the list has it already")
            elif known is not None and name not in known:
                self.decisions.drop(field, f"{missing}{similar(str(name), known)}")
            else:
                kept.append(name)
                self.decisions.carry(field, (*(to or path), len(kept) - 1), reason)
        if needs_one and not kept:
            names = ", ".join(map(str, entries))
            self.problem(path, f"names {names}: none of them is known; known are {', '.join(known or ())}.")

    def rename_key(self, path: Path, key: str) -> None:
        """Rename a key when the draft is finished, until which its fields keep their paths."""
        self._renames.append((path, key))

    # Problems

    def problem(self, path: Path, sentence: str) -> None:
        self.problems.append(f"{self.file.where(path)}: key '{dotted(path)}' {sentence}")

    def check_scope(self, path: Path, kinds: Sequence[ScopeKind]) -> None:
        name = self.get(*path)
        known = [scope for kind in kinds for scope in self.known.scopes[kind]]
        if isinstance(name, str) and name not in known:
            files = " or ".join(SCOPE_KEYS[kind] for kind in kinds)
            self.problem(path, f"names '{name}', which {files} does not have: {closest_hint(name, known)}")

    # The end

    def finish(self) -> None:
        """Decide on the remaining fields: those of the current form stay, free texts become comments.

        The others are dropped with a reason.
        """
        for path in self.decisions.undecided:
            parent = path[:-1]
            if self._keeps_its_place(path):
                self.decisions.carry(path)
            elif self._is_note(path) and self._stays(parent):
                self.text.comment(parent, self.text.value(path))
                self.decisions.keep_as_comment(path, parent)
            else:
                self.decisions.drop(path, self._reason_for_dropping(path))
        for path, decision in self.decisions.by_path.items():
            leaves_its_path = decision.action in ("dropped", "comment") or (
                decision.action == "changed" and decision.to != path
            )
            if leaves_its_path and not self._was_written_at(path):
                self.text.delete(path)
        for path, key in self._renames:
            self.text.rename(path, key)

    def _keeps_its_place(self, path: Path) -> bool:
        return is_current_field(path) and self.text.value(path) is not None and not self._was_written_at(path)

    def _was_written_at(self, path: Path) -> bool:
        """Return whether the new file got a value at the path, above it or below it."""
        return any(at[: len(path)] == path[: len(at)] for at in self._written)

    def _is_note(self, path: Path) -> bool:
        value = self.text.value(path)
        return path[-1] in FREE_TEXTS and path[0] != "metadata" and isinstance(value, str) and bool(value.strip())

    def _stays(self, path: Path) -> bool:
        return self.decisions.is_in_new_file(path) or any(at[: len(path)] == path for at in self._written)

    def _reason_for_dropping(self, path: Path) -> str:
        reason = reason_for_dropping(path)
        return "it is empty" if reason == NOT_READ and self.text.value(path) is None else reason


def display_value(value: Any) -> str:
    """Return a value as it is written in a message, shortened."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return is_whole(value) or isinstance(value, float)
