"""Ten thousand configurations, plausible and absurd: each is accepted or refused with messages, and none hangs."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import CANONICAL_FILES
from vectora_shared.config.content import ContentWithFile, FolderContent
from vectora_shared.config.loading import client_configuration, load_canonical, load_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CONFIG = Path(__file__).parents[3] / "config"
FOLDER = FolderContent(CONFIG)
CANONICAL = load_canonical(FOLDER)
CLIENT = "clients/lai_weekly.yaml"
SEED = 20261125
MUTATED_CLIENTS = 5_000
MUTATED_CANONICAL = 3_000
ARBITRARY = 2_000
RUBBISH = [
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\t",
    b"{",
    b"[",
    b"]",
    b"&a ",
    b"*a",
    b"<<: *a\n",
    b"? ",
    b"- ",
    b": ",
    b"|",
    b">",
    b"'",
    b'"',
    b"%YAML 1.3\n",
    b"---\n",
    b"...\n",
    b"\xf0\x9f\x92\xa9",
    b"\xed\xa0\x80",
    b"1e999",
    b".nan",
    b".inf",
    b"0x7f",
    b"0o17",
    b"1_000",
    b"2026-11-25",
    b"12:30:45",
    b"~",
    b"null",
    b"yes",
    b"(((((a+)+)+)+)+)$",
    b"\\",
    b"(?P<n>",
    b"!!python/name:os.system ",
    b"[" * 300,
    b"a: " * 300,
    b"- " * 300,
    b"9" * 5000,
    b"x" * 20_000,
    b"\r\n",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
]


def _mutated(chance: random.Random, body: bytes) -> bytes:
    """Return the file with random changes: parts cut or repeated, rubbish inserted, lines moved, values exchanged."""
    for _ in range(chance.randint(1, 4)):
        start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
        end = min(end, start + 400)
        lines = body.split(b"\n")
        match chance.randrange(8):
            case 0:
                body = body[:start] + body[end:]
            case 1:
                body = body[:end] + body[start:end] + body[end:]
            case 2:
                body = body[:start] + chance.choice(RUBBISH) + body[start:]
            case 3:
                body = body[:start] + bytes([chance.randrange(256)]) + body[start + 1 :]
            case 4:
                one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                body = b"\n".join(lines)
            case 5:
                place = chance.randrange(len(lines))
                lines[place] = b" " * chance.randrange(12) + lines[place].lstrip()
                body = b"\n".join(lines)
            case 6:
                place = chance.randrange(len(lines))
                lines[place] = lines[place].partition(b":")[0] + b": " + chance.choice(RUBBISH)
                body = b"\n".join(lines)
            case _:
                body = body[:start]
        if not body:
            return body
    return body


def _check_message(error: ConfigurationError, key: str) -> None:
    for sentence in str(error).splitlines():
        assert key in sentence
        assert re.search(r"\S[.?]$", sentence), sentence
        assert sentence.isprintable()


def test_mutated_client_files_are_accepted_or_refused_with_a_message() -> None:
    chance = random.Random(SEED)  # noqa: S311
    body = (CONFIG / CLIENT).read_bytes()
    outcomes = {"accepted": 0, "refused": 0}
    for _ in range(MUTATED_CLIENTS):
        content = ContentWithFile(FOLDER, CLIENT, _mutated(chance, body))
        try:
            client_configuration(content, "lai_weekly", CANONICAL)
            outcomes["accepted"] += 1
        except ConfigurationError as error:
            _check_message(error, CLIENT)
            outcomes["refused"] += 1
    # Both happen: a change in a comment is accepted, others break the file.
    assert outcomes["refused"] > MUTATED_CLIENTS / 2
    assert outcomes["accepted"] > MUTATED_CLIENTS / 50


def test_mutated_canonical_files_are_accepted_or_refused_with_a_message() -> None:
    chance = random.Random(SEED)  # noqa: S311
    bodies = {key: (CONFIG / key).read_bytes() for key in CANONICAL_FILES}
    refused = 0
    for key in chance.choices(list(CANONICAL_FILES), k=MUTATED_CANONICAL):
        try:
            load_section(ContentWithFile(FOLDER, key, _mutated(chance, bodies[key])), key, CANONICAL_FILES[key])
        except ConfigurationError as error:
            _check_message(error, key)
            refused += 1
    assert refused > MUTATED_CANONICAL / 4


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
VALID: dict[str, Any] = yaml.safe_load((CONFIG / CLIENT).read_text(encoding="utf-8"))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in list(entries):
        yield value, key
        yield from _places(entry)


@settings(
    max_examples=ARBITRARY, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(document=DOCUMENTS, place=st.integers(min_value=0, max_value=10_000))
def test_arbitrary_values_anywhere_are_accepted_or_refused_with_a_message(document: Any, place: int) -> None:
    changed = copy.deepcopy(VALID)
    places = list(_places(changed))
    parent, key = places[place % len(places)]
    parent[key] = document
    body = yaml.dump(changed, Dumper=yaml.CSafeDumper, allow_unicode=True).encode("utf-8", "surrogatepass")
    try:
        client_configuration(ContentWithFile(FOLDER, CLIENT, body), "lai_weekly", CANONICAL)
    except ConfigurationError as error:
        _check_message(error, CLIENT)


LAUGHS = "".join(f"{last}: &{last} [{', '.join([f'*{first}'] * 9)}]\n" for first, last in pairwise("abcdefghi"))
CRASHING = {
    "a billion laughs": f"a: &a [x, x, x]\n{LAUGHS}",
    "an alias of itself": "&a [*a]",
    "a hundred thousand brackets": "[" * 100_000,
    "a hundred thousand dashes": "- " * 100_000,
    "fifteen hundred indents": "".join(f"{' ' * depth}a:\n" for depth in range(1500)),
    "three megabytes": "x: " + "y" * 3_000_000,
    "five thousand braces": "{" + "a: {" * 5_000,
}


@pytest.mark.parametrize("body", CRASHING.values(), ids=CRASHING)
def test_content_that_would_crash_or_block_a_parser_is_refused_with_one_message(body: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^client\.yaml") as caught:
        parse_yaml("client.yaml", body.encode("utf-8"))
    assert len(str(caught.value)) < 10_000


def test_the_untouched_client_file_is_accepted() -> None:
    assert client_configuration(FOLDER, "lai_weekly", CANONICAL).client == load_section(FOLDER, CLIENT, ClientConfig)
