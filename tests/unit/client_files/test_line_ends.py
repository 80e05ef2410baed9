"""Edited client files: each line keeps its own line end, and the editor reads what validation reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from client_files.bump import bump_file
from client_files.text import EditableText, Quoted
from tests.repository import ROOT
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CLIENT = (ROOT / "config/clients/canary.yaml").read_bytes()
LINES = CLIENT.splitlines()
# The version, its copy in the metadata, and three lines of the changelog's new entry.
CHANGED, ADDED = 2, 3
LINE = re.compile(b"[^\r\n]*(?:\r\n|\n|\r|$)")


def bumped(content: bytes, folder: Path) -> bytes:
    path = folder / "canary.yaml"
    path.write_bytes(content)
    bump_file(path, "minor", "A reason", date(2026, 12, 1))
    return path.read_bytes()


def refusal(read: Callable[[], object]) -> str:
    try:
        read()
    except ConfigurationError as error:
        return str(error)
    return ""


def lines_of(content: bytes) -> list[bytes]:
    return LINE.findall(content)


def assert_only_the_version_changed(before: bytes, after: bytes) -> None:
    old, new = lines_of(before), lines_of(after)
    changelog = next(index for index, line in enumerate(old) if line.strip() == b"changelog:") + 1
    assert len(new) == len(old) + ADDED
    pairs = list(zip(old, new[:changelog] + new[changelog + ADDED :], strict=True))
    assert sum(before != after for before, after in pairs) == CHANGED
    ends = [(re.sub(b"[^\r\n]", b"", before), re.sub(b"[^\r\n]", b"", after)) for before, after in pairs]
    assert all(before == after for before, after in ends)


@given(ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=len(LINES), max_size=len(LINES)))
@settings(deadline=None, max_examples=40)
def test_a_bump_keeps_the_line_end_of_every_line(ends: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    content = b"".join(line + end for line, end in zip(LINES, ends, strict=True))
    assert_only_the_version_changed(content, bumped(content, tmp_path_factory.mktemp("ends")))


@pytest.mark.parametrize("mark", [b"", "\ufeff".encode()])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last", [True, False])
def test_one_odd_line_and_the_end_of_the_file_stay(mark: bytes, end: bytes, last: bool, tmp_path: Path) -> None:
    odd = b"\r\n" if end == b"\n" else b"\n"
    content = mark + end.join(LINES[:4]) + odd + end.join(LINES[4:]) + (end if last else b"")
    after = bumped(content, tmp_path)
    assert_only_the_version_changed(content, after)
    assert after.startswith(mark + LINES[0])
    assert after.endswith(end) is last
    new = next(line for line in lines_of(after) if b"A reason" in line)
    assert new.endswith(b"A reason" + end)


@given(
    lines=st.lists(st.sampled_from(["# comment", "", "  ", "a: 1  # beside", "b: [1,\n  2]", "c: |\n  x\n\n  y"])),
    ends=st.data(),
)
@settings(deadline=None)
def test_an_unedited_text_with_any_line_ends_is_written_as_it_was(lines: list[str], ends: st.DataObject) -> None:
    texts = "\n".join(dict.fromkeys(lines)).split("\n")
    drawn = [ends.draw(st.sampled_from(["\n", "\r\n", "\r"])) for _ in texts]
    content = "".join(f"{line}{end}" for line, end in zip(["z: 0", *texts], ["\n", *drawn], strict=True)).encode()
    assert EditableText("x.yaml", content).encoded() == content


@pytest.mark.parametrize(
    "text",
    [
        "a: &x\n  b: 1  # beside\nc: 2\n",
        "a: !!map  # beside\n  b: !!str yes\nc: &y [1, !!str 2]\n",
        "a: !!seq\n- 1\n- &z 2\n",
        "&k a: &x 1\n? b\n: 2\n",
    ],
)
def test_anchors_and_tags_stay_where_nothing_is_edited(text: str) -> None:
    edited = EditableText("x.yaml", text.encode())
    assert edited.encoded().decode() == text
    edited.insert_section("z", {"n": 1}, ["z"])
    assert yaml.safe_load(edited.encoded()) == {**edited.data, "z": {"n": 1}}


def test_lines_that_are_written_anew_get_the_usual_line_end() -> None:
    text = EditableText("x.yaml", b"a: {b: 1,  # beside\r\n  c: 2}\r\nd: 3\n")
    text.set(("a", "e"), Quoted("x"))
    text.comment(("d",), "why")
    assert text.encoded() == b'# beside\r\na:\r\n  b: 1\r\n  c: 2\r\n  e: "x"\r\n# why\r\nd: 3\n'


def test_a_block_that_became_empty_keeps_its_comment() -> None:
    text = EditableText("x.yaml", b"a:  # beside\r\nb: 1\n")
    assert text.find(("a", "c")) is None
    assert yaml.safe_load(text.encoded()) == {"a": {}, "b": 1}
    assert text.encoded() == b"a: {}  # beside\r\nb: 1\n"


# Readers of YAML differ on all of these: tabs (YAML 1.2, 6.1), a comma, a colon, a quote inside a text.
NOTATIONS = (
    (b"frequency: daily", b"frequency: daily\t# on every day"),
    (b"frequency: daily", b"frequency:\tdaily"),
    (b"frequency: daily", b"frequency: daily\t"),
    (b"frequency: daily", b"frequency: 'daily'\t  # on every day"),
    (b"active: ", b"active:\t"),
    (b"\nmetadata:", b"\n\t\n\t# a comment behind a tab\n\nmetadata:\t"),
    (b"exclusion_scopes: [", b"exclusion_scopes: [\t"),
    (b"\nmetadata:", b"\n...\n"),
    (b"\nmetadata:", b"\n%YAML 1.2\n---\nmetadata:"),
    (b"client_id: canary", b"client_id: &id canary"),
    (b"client_id: canary", b"client_id: !!str canary"),
    (b"client_id: canary", b"? client_id\n  : canary"),
    (b"client_id: canary", b'"client_id" : "can\\u0061ry"'),
)


@pytest.mark.parametrize(("before", "after"), NOTATIONS)
def test_the_editor_takes_and_refuses_the_same_as_validation(before: bytes, after: bytes, tmp_path: Path) -> None:
    assert before in CLIENT
    content = CLIENT.replace(before, after, 1)
    name = str(tmp_path / "canary.yaml")
    said = refusal(lambda: read_section(ClientConfig, parse_yaml(name, content)))
    assert refusal(lambda: bumped(content, tmp_path)) == said
    if said:
        return
    client = read_section(ClientConfig, parse_yaml(name, content))
    later = read_section(ClientConfig, parse_yaml(name, Path(name).read_bytes()))
    ours: dict[str, Any] = {"client_profile": {"version"}, "metadata": True}
    assert later.model_dump(exclude=ours) == client.model_dump(exclude=ours)
