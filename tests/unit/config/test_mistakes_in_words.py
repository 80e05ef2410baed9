"""Mistakes that people make in YAML are named with their place and what to write instead, all in one round."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from client_files.validate import validate_files, validate_folder
from tests.repository import ROOT
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration
from vectora_shared.config.section import read_file
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CLIENT = "clients/lai_weekly.yaml"
TEXT = (ROOT / "config" / CLIENT).read_text(encoding="utf-8")
VERSION = TEXT.partition('version: "')[2].partition('"')[0]


def line_of(part: str) -> int:
    assert part in TEXT
    return TEXT.partition(part)[0].count("\n") + 1


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_file(ClientConfig, "x.yaml", text.encode("utf-8"))
    return str(caught.value)


def changed(*replacements: tuple[str, str]) -> str:
    text = TEXT
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after, 1)
    return text


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("0,35", "write 0.35 without quotes, with a point instead of the comma"),
        ("',5'", "write 0.5 without quotes, with a point"),
        ("30%", "write 0.3 without quotes"),
        ("12,5 %", "write 0.125 without quotes"),
        ('"0.35"', "write 0.35 without quotes"),
        ("1e-1", "write 0.1 without quotes"),
        ("\uff10.\uff13", "write 0.3 without quotes; it contains U+FF10 (FULLWIDTH DIGIT ZERO) in line "),
        ("\u22120.3", "write -0.3 without quotes; it contains U+2212 (MINUS SIGN)"),
        ("0.3\u00a0", "write 0.3 without quotes; it contains U+00A0 (NO-BREAK SPACE)"),
        ("0\u066b3", "it contains U+066B (ARABIC DECIMAL SEPARATOR)"),
        ("0.3.5", "it must be a number."),
        ("nan", "it must be a number."),
        ("9" * 50, "is at most 1"),
        ("'" + "9" * 5_000 + "'", "it must be a number."),
    ],
)
def test_a_number_in_another_notation_is_answered_with_the_right_one(written: str, advice: str) -> None:
    said = refusal(changed(("min_domain_score: 0.30", f"min_domain_score: {written}")))
    assert said.startswith(f"x.yaml, line {line_of('min_domain')}, column 3: key 'matching_config.min_domain_score' ")
    assert advice.replace("is at most 1", "less than or equal to 1") in said


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("1,000", "write 1000 without quotes, without signs between the digits"),
        ("1 000", "write 1000 without quotes, without signs between the digits"),
        ("1\u202f000", "write 1000 without quotes, without signs"),
        ("1'000", "write 1000 without quotes, without signs"),
        ("20.0", "write 20 without quotes"),
        ("20,0", "write 20 without quotes, with a point"),
        ("0o17", "write 15 without quotes"),
        ("20,5", "it must be a whole number."),
        ("20 items", "it must be a whole number."),
    ],
)
def test_a_whole_number_in_another_notation_is_answered_with_the_right_one(written: str, advice: str) -> None:
    said = refusal(changed(("max_items_total: 20", f"max_items_total: {written}")))
    assert "key 'newsletter_selection.max_items_total' has the value " in said
    assert advice in said


@pytest.mark.parametrize(
    ("written", "advice"),
    [("y", "true"), ("N", "false"), ("'true'", "true"), ("1", "true"), ("0", "false"), ("maybe", ""), ("~", "")],
)
def test_a_truth_value_in_another_notation_is_answered_with_the_right_one(written: str, advice: str) -> None:
    said = refusal(changed(("active: true", f"active: {written}")))
    assert said.endswith(f": it must be true or false{f'; write {advice} without quotes' if advice else ''}.")


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("NO", "has the value NO: it must be a text; YAML reads it as false, so write it in quotes"),
        ("on", "YAML reads it as true"),
        ("~", "has the value ~: it must be a text; YAML reads it as no value, so write it in quotes"),
        ("1.10", "YAML reads it as the number 1.1"),
        ("+1", "YAML reads it as the number 1"),
        ("=", "is written =, which is no text for YAML: write it in quotes"),
        ("<<", "is written <<, which is no text for YAML: write it in quotes"),
        ("0755", "which YAML reads as a number in base 8"),
        ("12:30:45", "which YAML reads as a number in base 60"),
        ("1_000", "which YAML reads as a number with underscores"),
        ("0x1F", "which YAML reads as a number in base 16"),
        (".inf", "which YAML reads as infinite or no number"),
    ],
)
def test_a_text_that_yaml_reads_as_something_else_is_to_be_quoted(written: str, reading: str) -> None:
    said = refusal(changed(("name: LAI Intelligence Weekly", f"name: {written}")))
    assert said.startswith(f"x.yaml, line {line_of('name: LAI')}, column 3: key 'client_profile.name' ")
    assert reading in said
    quoted = changed(("name: LAI Intelligence Weekly", f"name: '{written}'"))
    assert read_file(ClientConfig, "x.yaml", quoted.encode()).client_profile.name == written


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("lai-weekly", "all of them lower-case ASCII, such as lai_weekly."),
        ("LAI Weekly", "all of them lower-case ASCII, such as lai_weekly."),
        ("\uff4cai_weekly", "such as lai_weekly; it contains U+FF4C (FULLWIDTH LATIN SMALL LETTER L)"),
        ("lai_weekly\u200d", "such as lai_weekly; it contains U+200D (ZERO WIDTH JOINER)"),
        ("\u201clai_weekly\u201d", "such as lai_weekly; it contains U+201C (LEFT DOUBLE QUOTATION MARK)"),
        ("7_weekly", "all of them lower-case ASCII."),
    ],
)
def test_an_id_in_another_notation_is_answered_with_the_right_one(written: str, advice: str) -> None:
    said = refusal(changed(("client_id: lai_weekly", f"client_id: {written}")))
    assert "key 'client_profile.client_id' has the value " in said
    assert advice in said


# A text, the position of its mistake, and a part of the advice.
SYNTAX = [
    ("a:\n\tb: 1\n", (2, 1), "a tab character stands before the first word of the line (indent with spaces, not tabs)"),
    ("a:\n  b: 1\n\tc: 2\n", (3, 1), "indent with spaces, not tabs"),
    ("a:\n  - x\n\t- y\n", (3, 1), "indent with spaces, not tabs"),
    ("a:\n  b: |\n\ttext\n", (3, 1), "indent with spaces, not tabs"),
    ("a: 1\r\n\tb: 2\r\n", (2, 1), "indent with spaces, not tabs"),
    ("a: %x\n", (1, 4), "no text may begin with % (write it in quotes)"),
    ("a: *x\n", (1, 4), "write texts that begin with * in quotes"),
    ("a: - x\n", (1, 4), "begin a list below its key"),
    ("a:1\nb: 2\n", (2, 2), "put a space behind the colon in line 1"),
    ("b: 1\nno colon\nc: 2\n", (2, 1), "write each key with a colon and a space"),
    ("a: 'it's'\n", (1, 8), "a text in quotes ends at the next quote"),
    ('a: "x\nb: 2\nc: "y"\n', (3, 5), "the quote in line 1, column 4 is closed only in line 3"),
    ("a: 'x\nb: 2\n", (3, 1), "the quote in line 1, column 4 is not closed"),
    ("a: [1, 2\nb: 3\n", (2, 2), "close the bracket"),
    ("a:\n    b: 1\n  c: 2\n", (3, 3), "align the keys of one mapping"),
    ('a: "\\d+"\n', (1, 5), "write such a text in single quotes"),
    ("a: 1\nb\uff1a 2\nc: 3\n", (2, 1), "line 2 contains U+FF1A (FULLWIDTH COLON) in column 2"),
    ("a: 1\nb:\u00a02\nc: 3\n", (2, 1), "line 2 contains U+00A0 (NO-BREAK SPACE) in column 3"),
]


@pytest.mark.parametrize(("text", "position", "advice"), SYNTAX)
def test_a_syntax_error_has_its_place_and_an_advice(text: str, position: tuple[int, int], advice: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_yaml("x.yaml", text.encode("utf-8"))
    said = str(caught.value)
    assert said.startswith(f"x.yaml, line {position[0]}, column {position[1]}: not valid YAML: "), said
    assert advice in said
    assert said.isprintable()


MISTAKES = (
    ("max_items_total: 20", "max_items_totl: 0755"),
    ("frequency: weekly", "frequency: weekyl"),
    ("min_domain_score: 0.30", "min_domain_score: 0,3"),
    ("technology_scope: lai_keywords", "technology_scope: lai_keyword"),
    ("- recruitment\n", "- recruitmnt\n"),
    ("- lai_press_mvp", "- lai_pres_mvp"),
    (f'config_version: "{VERSION}"', 'config_version: "1.0.0"\n  confg: 1'),
)
SAID = (
    "max_items_totl' is written 0755, which YAML reads as a number in base 8",
    "max_items_totl' is unknown: did you mean 'max_items_total'?",
    "did you mean 'weekly'?",
    "write 0.3 without quotes",
    "did you mean 'lai_keywords'?",
    "did you mean 'recruitment'?",
    "did you mean 'lai_press_mvp'?",
    "key 'metadata.confg' is unknown: did you mean",
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


def test_all_mistakes_of_a_file_are_reported_in_one_round(config: Path) -> None:
    (config / CLIENT).write_text(changed(*MISTAKES), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(FolderContent(config), "lai_weekly")
    for problems in (
        str(caught.value).splitlines(),
        validate_folder(FolderContent(config)).problems,
        validate_files([config / CLIENT], config).problems,
    ):
        for part in SAID:
            assert [each for each in problems if part in each], (part, problems)
        assert all("line " in each and "column " in each for each in problems)
        assert len(problems) == len(set(problems))


def test_a_mistake_of_a_canonical_file_hides_none_of_a_client(config: Path) -> None:
    scoring = config / "canonical" / "scoring" / "scoring.yaml"
    scoring.write_text(scoring.read_text(encoding="utf-8") + "unknown: 1\n", encoding="utf-8")
    (config / CLIENT).write_text(changed(*MISTAKES[:3]), encoding="utf-8")
    for problems in (
        validate_folder(FolderContent(config)).problems,
        validate_files([config / CLIENT], config).problems,
    ):
        for part in ("canonical/scoring/scoring.yaml, line", *SAID[:4]):
            assert [each for each in problems if part in each], (part, problems)


def test_versions_that_differ_are_reported_beside_an_unknown_key() -> None:
    said = refusal(changed(MISTAKES[-1]))
    assert "key 'metadata.confg' is unknown" in said
    assert f"key 'metadata.config_version' is 1.0.0, but client_profile.version is {VERSION}" in said


def test_problems_behind_aliases_are_reported_without_computing_their_values() -> None:
    levels = "".join(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 25))
    said = refusal(f"twice: 1\ntwice: [1]\na0: &a0 x\n{levels}twice: *a24\n{TEXT}")
    assert "key 'twice' stands twice" in said
    assert "is an alias of another part: write it out" in said
