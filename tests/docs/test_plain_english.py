"""The repository's English: no words and openings to avoid, and a search that finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.plain_english import CHECKED, ROOT, files_below, findings_in_file, findings_in_text

# Sentences of an earlier tree, each with what replaced it.
REWRITES = (
    (
        "Without a complete one the deployment stops there.",
        "If the snapshot fails, the deployment stops and nothing else changes.",
    ),
    (
        "`lexicon` gives the same output from the canonical scopes, for nothing.",
        "`lexicon` produces the same output from the canonical scopes at no cost.",
    ),
    (
        "A mistake is told with file, line, column, key and the nearest valid name, and reaches no bucket.",
        "Errors name file, line, column, key and the closest valid name; invalid configuration is never published.",
    ),
    (
        "A release is the digest of its content: pushed again it keeps its soak, changed it starts again.",
        "A release is identified by a digest of its content. Pushing the same content keeps its soak time; any change "
        "restarts it.",
    ),
    (
        "Take what belongs to no stack into those that define it: made by hand, or left by a stack that is gone.",
        "Import resources that exist outside any stack (created by hand, or left behind by a deleted stack).",
    ),
    (
        "Remove what the environment's policy lets go, and bytes that no snapshot needs any more.",
        "Delete expired snapshots, and data that no snapshot references.",
    ),
    (
        "Read again: 6.1 MB, what is shared only once.",
        "Verified 6.1 MB (shared data counted once).",
    ),
    (
        "Hears nothing; whoever wants to overrides.",
        "Does nothing by default; override what you need.",
    ),
    (
        "Nobody is there to try again: whoever else is at work ... ends.",
        "Unattended: wait until the other operation finishes.",
    ),
    (
        "A function that is called by the clock",
        "Invokes a function on an EventBridge schedule.",
    ),
    (
        "An alarm never keeps its own fix away: bypass `soak`.",
        "If an alarm reset the soak, bypass `soak` to deploy the fix.",
    ),
    (
        "Anything, when the account is gone: the vault is in it.",
        "Everything, if the AWS account is lost: the vault is stored in the same account.",
    ),
)


def test_code_and_documents_are_in_plain_english() -> None:
    found = [
        str(finding)
        for file in files_below(ROOT / path for path in CHECKED if (ROOT / path).exists())
        for finding in findings_in_file(file)
    ]

    assert not found, f"{len(found)} to rewrite; list them: .venv/bin/python -m tools.plain_english\n" + "\n".join(
        found[:50]
    )


@pytest.mark.parametrize(("before", "after"), REWRITES)
def test_an_obscure_sentence_is_found_and_its_plain_form_is_not(before: str, after: str) -> None:
    assert list(findings_in_text(before))
    assert not list(findings_in_text(after))


@pytest.mark.parametrize(
    "text",
    [
        "Write it in double quotes.",
        "Snapshots are taken in the order of their names.",
        "A retry doubles the pause.",
        "If the owner wants a record, commit the page.",
        "`cdk deploy` does not ask for confirmation.",
        "It relies on the multi-line layout.",
    ],
)
def test_ordinary_uses_of_these_words_are_allowed(text: str) -> None:
    assert not list(findings_in_text(text))


def test_a_finding_names_the_line_of_a_word_in_python(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        '"""Names of things."""\n'
        "\n"
        "def lookup(doubles):\n"
        '    """Whether it is there."""\n'
        "    # Two commands\n"
        "    # at once.\n"
        '    raise ValueError(f"{doubles} are not allowed, "\n'
        '                     f"{doubles} lies there: for nothing")\n',
        encoding="utf-8",
    )

    found = sorted((finding.line, finding.found) for finding in findings_in_file(file))

    assert found == [
        (3, "name doubles"),
        (4, 'docstring opens with "Whether"'),
        (6, "at once"),
        (8, "for nothing"),
        (8, "lies"),
    ]


def test_code_and_addresses_in_documents_are_not_prose(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(
        "See [the record](0011-what-strangers-write-is-data.md) and `at once`.\n"
        "\n"
        "```sh\n"
        "./vectora tell --somebody  # told\n"
        "```\n"
        "\n"
        "Everything is done at\n"
        "once.\n",
        encoding="utf-8",
    )

    found = sorted((finding.line, finding.found) for finding in findings_in_file(file))

    assert found == [(4, "told"), (7, "at once")]


def test_a_property_is_a_noun_phrase_and_a_function_begins_with_a_verb(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "class Bucket:\n"
        '    """Bucket of an environment."""\n'
        "\n"
        "    @property\n"
        "    def name(self):\n"
        '        """Name of the bucket."""\n'
        "\n"
        "    def read(self):\n"
        '        """Return the bytes."""\n'
        "\n"
        "    def size(self):\n"
        '        """The size in bytes."""\n',
        encoding="utf-8",
    )

    assert [finding.line for finding in findings_in_file(file)] == [12]
