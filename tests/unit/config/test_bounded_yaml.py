"""Files up to the size limit are parsed or refused with limited work: events, values, problems, digits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from client_files.migration.old_file import read_old_file
from client_files.text import EditableText
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.wording import MOST_NAMES_COMPARED, MOST_PROBLEMS, did_you_mean, nearest
from vectora_shared.config.yaml_file import (
    DEEPEST_NESTING,
    LARGEST_FILE_BYTES,
    MOST_VALUES,
    parse_yaml,
)
from vectora_shared.config.yaml_nodes import LONGEST_NUMBER_AS_KEY
from vectora_shared.errors import ConfigurationError

# Large enough to exceed every limit.
SIZE = 500_000
LONGEST_SENTENCE = 4_000
MERSENNE = 2**61 - 1


def _repeated(unit: str, before: str = "", after: str = "") -> str:
    return before + unit * ((SIZE - len(before) - len(after)) // len(unit.encode("utf-8"))) + after


def _numbered(pattern: str, after: str = "") -> str:
    return "".join(pattern.format(number) for number in range(SIZE // (len(pattern) + 5))) + after


def _long_keys(lines: str) -> str:
    """Return lines nested in mappings whose keys are as long as a file allows."""
    folders = (f"{' ' * depth}? {'k' * 5_000}\n{' ' * depth}:\n" for depth in range(38))
    return "".join(folders) + "".join(" " * 38 + lines.format(number) for number in range(5_000))


UNITS = (
    *("-", "- ", "-\n", "- - -\n", "- a: b\n", "?", "? ", "?\n", ":", ": ", ":\n", "a:", "a: ", "a:\n", "a: |\n"),
    *("[", "[],", "{", "{},", "]", "}", ",", "&a ", "&a\n", "- &a\n", "*a ", "- *a\n"),
    *("!", "! ", "- !a\n", "- !!str a\n", "'", '"', "|", ">", "@", "`", "%", "%\n", "%YAML 1.1\n", "#", "#\n", " #"),
    *("\t", " ", "\n", "\r\n", "\x85", "\ufeff", "---\n", "...\n", "--- a\n", "<<: {}\n", "<<: *a\n", "~\n", "\\"),
)
DOCUMENTS = {
    **{f"{unit!r} again and again": _repeated(unit) for unit in UNITS},
    "a list in brackets": _repeated("a,", "[", "]"),
    "pairs in brackets": _repeated("a: b,", "[", "]"),
    "a mapping in braces": _repeated("a,", "{", "}"),
    "lists in a list": _repeated("[],", "[", "]"),
    "deep lists in a list": _repeated("[" * 38 + "]" * 38 + ",", "[", "]"),
    "keys without values": _repeated("a:\n,", "[", "]"),
    "keys of their own": _numbered("key{}: value\n"),
    "anchors": _numbered("- &a{} 1\n"),
    "directives of their own": _numbered("%TAG !a{}! b\n", "--- x\n"),
    "steps down": "".join(f"{' ' * depth}a:\n" for depth in range(30)) * 1_000,
    "a long plain text": _repeated("x", "a: "),
    "a long text of words": _repeated("x ", "a: "),
    "a long text over lines": _repeated("  x\n", "a: x\n"),
    "a long quoted text": _repeated("x\n", "a: '", "'"),
    "a long text of escapes": _repeated("\\n", 'a: "', '"'),
    "a long folded text": _repeated(" x\n", "a: >\n"),
    "a block of blank lines": _repeated("\n", "a: |\n"),
    "a long key": _repeated("x", "", ": 1"),
    "a long explicit key": _repeated("x", "? ", "\n: 1"),
    "a key that is a list": f"? [{'a,' * 20_000}]\n: 1",
    "a long tag": _repeated("a", "- !", " 1"),
    "a long tag of escapes": _repeated("%41", "- !<", "> 1"),
    "a long anchor": _repeated("a", "- &", " 1"),
    "long keys above duplicates": _long_keys("a:\n"),
    "long keys above single lines": _long_keys("a{}: 1\n"),
    "a long binary": _repeated("A", "- !!binary '", "'"),
    "a long time": _repeated("1", "- !!timestamp '", "'"),
    "a set": _repeated("a,", "!!set {", "}"),
    "pairs": _repeated("- a: b\n", "!!omap\n"),
}


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the events that are taken from the parser."""
    taken = [0]
    parse = yaml.parse

    def counting(*arguments: Any, **options: Any) -> Iterator[yaml.Event]:
        for event in parse(*arguments, **options):
            taken[0] += 1
            yield event

    monkeypatch.setattr(yaml, "parse", counting)
    return taken


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_file_is_parsed_or_refused_within_limits(name: str, events: list[int]) -> None:
    body = DOCUMENTS[name].encode("utf-8")
    assert len(body) <= LARGEST_FILE_BYTES
    refused = None
    try:
        file = parse_yaml("client.yaml", body)
        assert len(file.positions) <= MOST_VALUES
        read_section(ClientConfig, file)
    except ConfigurationError as error:
        refused = str(error)
    # Each value has one event, or two if it contains others. A document and its stream have four.
    assert events[0] <= 2 * MOST_VALUES + 4
    assert refused is not None
    assert len(refused.splitlines()) <= MOST_PROBLEMS + 1
    assert all(len(sentence) <= LONGEST_SENTENCE for sentence in refused.splitlines())
    assert refused.startswith("client.yaml")


@pytest.mark.parametrize("unit", ["-", "-\n", "- ", "["])
def test_the_largest_file_of_one_repeated_text_is_parsed_within_limits(unit: str, events: list[int]) -> None:
    body = (unit * (LARGEST_FILE_BYTES // len(unit))).encode("ascii")
    with pytest.raises(ConfigurationError):
        read_section(ClientConfig, parse_yaml("client.yaml", body))
    assert events[0] <= 2 * MOST_VALUES + 4


NUMBERS = {
    "digits": "1" * 100_000,
    "digits and lines below": "1" + "_" * 100_000,
    "base 60": "1" + ":1" * 50_000,
    "a fraction in base 60": "1" + ":1" * 50_000 + ".5",
    "base 16": "0x" + "f" * 100_000,
    "base 8": "0" + "7" * 100_000,
    "base 2": "0b" + "1" * 100_000,
    "decimals": "1." + "1" * 100_000,
    "an int by its tag": "!!int '1" + ":1" * 50_000 + "'",
    "a float by its tag": "!!float '1" + ":1" * 50_000 + "'",
}


@pytest.mark.parametrize("place", ["client_profile: {}", "- {}", "? {}"])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_too_long_to_make_sense_is_refused_before_it_is_computed(name: str, place: str) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"line 1, column \d+: (not valid YAML: (a number of|could not find)|key .* is too long for a number)",
    ):
        parse_yaml("client.yaml", place.format(NUMBERS[name]).encode("ascii"))


def test_numbers_of_usual_length_are_read() -> None:
    text = b"[1, -1, 1.5, 6.02214076e+23, 12345678901234567890, 0.30000000000000004]"
    expected = (1, -1, 1.5, 6.02214076e23, 12345678901234567890, 0.1 + 0.2)
    assert parse_yaml("x", text).data == expected


def test_only_a_few_keys_can_have_equal_hashes() -> None:
    assert 10**LONGEST_NUMBER_AS_KEY // MERSENNE < 100
    text = "".join(f"{number * MERSENNE}: 1\n" for number in range(1, 20_000))
    with pytest.raises(ConfigurationError, match="is too long for a number: write it in quotes"):
        parse_yaml("client.yaml", text.encode("ascii"))
    with pytest.raises(ConfigurationError, match="has a key that is a list or a mapping itself"):
        parse_yaml("client.yaml", f"? {{{text.replace(chr(10), ', ')}}}\n: 1\n".encode("ascii"))


@pytest.mark.parametrize("value", ["!!bool maybe", "!!timestamp x", "!!timestamp 2026-99-99", "!!int x", "!!float x"])
def test_a_tag_that_does_not_fit_its_value_is_refused_with_one_message(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^client\.yaml.*: not valid YAML: [^\n]+$"):
        parse_yaml("client.yaml", f"a: {value}".encode("ascii"))


def test_limits_are_exact() -> None:
    assert len(parse_yaml("x", b"[" + b"a," * (MOST_VALUES - 1) + b"]").data) == MOST_VALUES - 1
    with pytest.raises(ConfigurationError, match="x, line 1: more than 50,000 keys and values"):
        parse_yaml("x", b"[" + b"a," * MOST_VALUES + b"]")
    parse_yaml("x", b"[" * DEEPEST_NESTING + b"]" * DEEPEST_NESTING)
    deep = DEEPEST_NESTING // 3 + 1
    mixed = "".join(f"{' ' * depth}a:\n" for depth in range(deep)) + " " * deep + "- " * deep + "[" * deep + "]" * deep
    with pytest.raises(ConfigurationError, match="nested more than 40 deep"):
        parse_yaml("x", mixed.encode("ascii"))


def test_only_the_first_problems_are_reported() -> None:
    duplicates = "a: 1\n" * (MOST_PROBLEMS + 50)
    unknown = "client_profile:\n" + "".join(f"  key_{number}: 1\n" for number in range(MOST_PROBLEMS + 50))
    with pytest.raises(ConfigurationError) as of_duplicates:
        parse_yaml("x", duplicates.encode("ascii"))
    with pytest.raises(ConfigurationError) as of_unknown:
        read_section(ClientConfig, parse_yaml("x", unknown.encode("ascii")))
    for caught in (of_duplicates, of_unknown):
        sentences = str(caught.value).splitlines()
        assert len(sentences) == MOST_PROBLEMS + 1
        assert sentences[-1] == "These are the first 100 problems: there are more."
    assert sum("stands twice" in sentence for sentence in str(of_duplicates.value).splitlines()) == MOST_PROBLEMS


def test_only_a_limited_number_of_short_names_is_compared() -> None:
    assert nearest("wodr", ["word", "other"], cutoff=0.5) == "word"
    assert nearest("x" * 100, ["x" * 100], cutoff=0) is None
    far = [*(f"name{number}" for number in range(MOST_NAMES_COMPARED)), "word"]
    assert did_you_mean("wodr", far) == ""


@pytest.mark.parametrize("unit", ["-\n", "a:\n", "- []\n", "- a: b\n"])
def test_a_file_that_is_migrated_has_tighter_limits(unit: str, tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(_repeated(unit)[: 100_000 // len(unit) * len(unit)], encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"more than 5,000 keys and values|stands twice"):
        read_old_file(path)


@pytest.mark.parametrize("unit", ["-\n", "a:\n", "- []\n", "- a: b\n"])
def test_a_file_that_is_edited_has_the_limits_of_validation(unit: str) -> None:
    content = _repeated(unit).encode("ascii")
    with pytest.raises(ConfigurationError) as of_the_editor:
        EditableText("client.yaml", content)
    with pytest.raises(ConfigurationError) as of_validation:
        parse_yaml("client.yaml", content)
    assert str(of_the_editor.value) == str(of_validation.value)
