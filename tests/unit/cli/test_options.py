"""Options of all commands: one meaning for each name, and the ones that every command must have."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from cli.__main__ import app
from cli.options import HELP

# Commands that replace or delete something: they have --dry-run, and require a confirmation without --yes.
REPLACE_OR_DELETE = {"adopt", "client promote", "restore", "rollback", "snapshot prune"}
# Commands that show what they would do before they require a confirmation.
SHOW_AND_ASK = {"promote approve", "promote approve-change", "promote reject"}
# Commands that change something without a confirmation, and why that is safe.
CHANGE = {
    "client bump": "writes a file of the checkout, where git shows the change",
    "client migrate": "writes a new file of the checkout, and copies data to ids that have none",
    "newsletter open": "writes a file on this machine",
    "newsletter preview": "writes a file on this machine",
    "promote bypass": "the approval follows, and the bypass is for one release",
    "promote freeze": "unfreeze ends it",
    "promote release-hold": "deploys nothing: the gates and the approval follow",
    "promote retry": "does what the pipeline does by schedule: the gates and the approval follow",
    "promote unfreeze": "deploys nothing: the gates and the approval follow",
    "rehearse": "uses a local AWS, and leaves nothing",
    "review": "records an acceptance in a file of the checkout",
    "run": "makes a draft, or with --issue what the schedule makes",
    "snapshot create": "adds a snapshot, and changes nothing else",
    "snapshot pin": "unpin undoes it",
    "snapshot unpin": "pin undoes it, and prune deletes nothing before its minimum age",
}
READ = {
    "client diff",
    "client list",
    "client preview",
    "client show",
    "client validate",
    "completion",
    "cost",
    "doctor",
    "logs",
    "newsletter list",
    "promote explain",
    "promote report",
    "release list",
    "snapshot diff",
    "snapshot list",
    "snapshot show",
    "snapshot verify",
    "source check",
    "source list",
    "source try",
    "status",
}
WITHOUT_JSON = {"completion": "prints a script for a shell"}
# Options with another meaning in one command, and why.
OTHER_MEANINGS = {
    ("client diff", "--from"): "compares files, which are in environments, in git and in folders",
    ("client diff", "--to"): "compares files, which are in environments, in git and in folders",
    ("review", "--markdown"): "writes a file beside the text on standard output",
}
# A client, an environment and an output are never named by these.
FORBIDDEN = {"--client", "--environment", "--copy-from", "--entries", "--no-dry-run", "--force", "-y"}


def _commands(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, Any]]:
    for name, each in getattr(command, "commands", {}).items():
        if hasattr(each, "commands"):
            yield from _commands((*words, name), each)
        else:
            yield " ".join((*words, name)), each


COMMANDS = dict(_commands((), typer.main.get_command(app)))


def _options(words: str) -> dict[str, Any]:
    return {name: each for each in COMMANDS[words].params for name in each.opts if name.startswith("-")}


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def test_every_command_reads_or_changes() -> None:
    classified = [*REPLACE_OR_DELETE, *SHOW_AND_ASK, *CHANGE, *READ]
    assert sorted(classified) == sorted(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_result_can_be_printed_as_json(words: str) -> None:
    assert ("--json" in _options(words)) == (words not in WITHOUT_JSON)


@pytest.mark.parametrize("words", COMMANDS)
def test_what_replaces_or_deletes_can_be_tried_and_is_confirmed(words: str) -> None:
    assert ("--yes" in _options(words)) == (words in REPLACE_OR_DELETE | SHOW_AND_ASK)
    if words in REPLACE_OR_DELETE:
        assert "--dry-run" in _options(words)


def test_an_option_has_one_meaning_in_all_commands() -> None:
    helps: dict[str, set[str]] = defaultdict(set)
    for words in COMMANDS:
        for name, option in _options(words).items():
            if (words, name) not in OTHER_MEANINGS and name != "--profile":
                helps[name].add(_first_sentence(option.help))
    assert {name: found for name, found in helps.items() if len(found) > 1} == {}
    assert {
        name: found for name, found in helps.items() if name in HELP and found != {_first_sentence(HELP[name])}
    } == {}


def test_the_table_has_only_options_that_commands_share() -> None:
    used = [name for words in COMMANDS for name in _options(words)]
    assert [name for name in HELP if used.count(name) < 2] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_no_command_has_a_name_of_its_own_for_a_shared_thing(words: str) -> None:
    assert FORBIDDEN.isdisjoint(_options(words))


@pytest.mark.parametrize("words", COMMANDS)
def test_a_client_is_the_first_word_after_the_command(words: str) -> None:
    positional = [each.name for each in COMMANDS[words].params if not each.opts[0].startswith("-")]
    assert "client" not in positional[1:]
    assert "env" not in positional


@pytest.mark.parametrize("words", COMMANDS)
def test_a_snapshot_may_be_named_latest(words: str) -> None:
    named = [each for each in COMMANDS[words].params if "snapshot" in (each.help or "") and "ull name" in each.help]
    assert [each.name for each in named if "latest" not in each.help] == []
