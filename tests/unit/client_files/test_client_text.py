"""Editable client files: unedited text is kept to the byte, and comments stay with their keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from client_files.text import EditableText, Flow, Quoted
from tests.repository import ROOT

OLD = Path(__file__).parent / "old"
FILES = [*sorted((ROOT / "config" / "clients").glob("*.yaml")), *sorted(OLD.glob("*.yaml"))]
SAMPLE = """\
# About the file

# About a
a:  # beside a
  # above b
  b: "one"  # beside b

  # above c
  c: two
# About d
d:
  - x: 1  # beside x
    y: 2
    # below the last entry
  # above the second
  - x: 3

  # deep, at the end of d
# About e
e: [1, 2]  # beside e
# End
"""


def edited(source: str) -> EditableText:
    return EditableText("some.yaml", source.encode())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_unedited_file_is_written_byte_for_byte(path: Path) -> None:
    assert EditableText(path.name, path.read_bytes()).encoded() == path.read_bytes()


@pytest.mark.parametrize(
    "source",
    [
        SAMPLE,
        SAMPLE.rstrip("\n"),
        SAMPLE.replace("\n", "\r\n"),
        "\ufeff" + SAMPLE,
        "---\n" + SAMPLE,
        "a: |\n  text\n   more\n\n\nb: >-\n  folded\n  text\n# end\n",
        "a:\n- 1\n-   b: 2\n    c: 3\n- - 4\n  - 5\n",
        "a: plain text\n  goes on\nb: 'quoted\n  goes on'  # beside\nc: {d: 1,\n  e: [2,\n 3]}\n",
        "a:\nb: ~\nc: ''\n",
        "a:\n  -\n    b: 1\n  -\n  - c\n",
        '"a": 1\n',
    ],
)
def test_every_layout_is_kept(source: str) -> None:
    assert edited(source).encoded().decode() == source


def test_deleting_a_key_deletes_its_comments_only() -> None:
    text = edited(SAMPLE)
    text.delete(("a", "b"))
    assert "above b" not in text.text()
    assert "beside b" not in text.text()
    assert "  # above c\n  c: two" in text.text()


def test_deleting_a_section_deletes_its_banner() -> None:
    text = edited(SAMPLE)
    text.delete(("a",))
    assert text.text().startswith("# About the file\n\n# About d\nd:")


def test_comments_indented_deeper_than_the_next_key_belong_to_the_entry_before() -> None:
    text = edited(SAMPLE)
    text.delete(("d", 1))
    assert "above the second" not in text.text()
    assert "deep, at the end of d" not in text.text()
    assert "    # below the last entry\n# About e" in text.text()


def test_the_first_key_of_a_list_entry_can_be_deleted() -> None:
    text = edited(SAMPLE)
    text.delete(("d", 0, "x"))
    assert "  - y: 2\n" in text.text()


def test_deleting_the_last_key_deletes_its_block() -> None:
    text = edited("a:\n  b:\n    c: 1\nd: 2\n")
    text.delete(("a", "b", "c"))
    assert text.text() == "d: 2\n"


def test_entries_keep_their_original_index() -> None:
    text = edited("a: [x, y, z]\nb:\n  - 1\n  - 2\n  - 3\n")
    for index in (0, 2):
        text.delete(("a", index))
        text.delete(("b", index))
    assert yaml.safe_load(text.text()) == {"a": ["y"], "b": [2]}


def test_a_changed_value_keeps_its_comment() -> None:
    text = edited(SAMPLE)
    text.set(("a", "b"), Quoted("7.0.0"))
    assert '  b: "7.0.0"  # beside b\n' in text.text()


def test_new_keys_are_written_at_their_position_with_the_files_indentation() -> None:
    text = edited("a:\n- x: 1\n  y: 2\n")
    text.set(("a", 0, "n"), ["p", {"q": 1}], after="x")
    text.set(("a", 0, "f"), Flow(["*", "a, b"]))
    text.set(("b", "c"), {})
    assert text.text() == 'a:\n- x: 1\n  n:\n  - p\n  - q: 1\n  y: 2\n  f: ["*", "a, b"]\nb:\n  c: {}\n'


def test_a_new_section_is_written_at_its_position_in_the_order() -> None:
    text = edited("a: 1\nc: 3\n")
    text.insert_section("b", {"x": 1}, ["a", "b", "c"])
    text.insert_section("d", 4, ["a", "b", "c", "d"])
    assert text.text() == "a: 1\n\nb:\n  x: 1\nc: 3\n\nd: 4\n"


def test_a_renamed_key_keeps_value_and_comments() -> None:
    text = edited(SAMPLE)
    text.rename(("a", "b"), "renamed")
    text.rename(("a",), "also")
    assert '# About a\nalso:  # beside a\n  # above b\n  renamed: "one"  # beside b\n' in text.text()


def test_an_edited_value_in_brackets_keeps_its_comments() -> None:
    text = edited("a: {b: 1,  # about b\n  c: [2, 3]}  # end\nd: 4\n")
    text.delete(("a", "c", 0))
    assert text.data == {"a": {"b": 1, "c": [2, 3]}, "d": 4}
    assert yaml.safe_load(text.text()) == {"a": {"b": 1, "c": [3]}, "d": 4}
    assert "# about b" in text.text()
    assert "# end" in text.text()


def test_anchors_and_tags_are_expanded_and_their_comments_kept() -> None:
    text = edited("# about a\na: &name\n  b: !!str 1  # number\nc: 2\n? d\n: 3\n")
    assert yaml.safe_load(text.text()) == {"a": {"b": "1"}, "c": 2, "d": 3}
    assert "# about a" in text.text()
    assert "# number" in text.text()


def test_a_file_in_brackets_is_written_as_blocks() -> None:
    text = edited('{"a": {"b": [1, "two"]}, "c": "yes"}\n')
    text.delete(("a", "b", 0))
    assert text.text() == 'a:\n  b:\n    - two\nc: "yes"\n'


def test_line_numbers_are_those_of_the_original_file() -> None:
    text = edited(SAMPLE)
    text.delete(("a", "b"))
    assert text.line_of(("d", 1, "x")) == SAMPLE.splitlines().index("  - x: 3") + 1
    text.delete(("d", 0))
    assert text.origins()["d", 0].line == text.line_of(("d", 1))


TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
SCALARS = TEXTS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


@given(VALUES)
@settings(deadline=None)
def test_every_written_value_reads_back_equal(value: object) -> None:
    text = edited("a: 1\n")
    text.set(("new",), value)
    assert yaml.safe_load(text.encoded())["new"] == value
