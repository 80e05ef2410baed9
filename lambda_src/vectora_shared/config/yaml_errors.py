"""Wording of syntax errors in YAML files: where they are, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from vectora_shared.config.characters import described, escaped, is_invisible
from vectora_shared.config.wording import excerpt

LONGEST_REASON = 200
# Advice for errors of libyaml's scanner, parser and constructor, by a part of their messages.
_ADVICE = {
    "tab character": "indent with spaces, not tabs",
    "another document": "a file has one document, so remove the line ---",
    "mapping values are not allowed": "write texts with a colon in quotes, and align keys of one mapping",
    "could not find expected ':'": "write each key with a colon and a space, and texts of several lines in quotes",
    "unexpected end of stream": "the file may have been cut off, or a quote or bracket is not closed",
    "could not determine a constructor": "remove the tag, which begins with !",
    "block sequence entries are not allowed": "begin a list below its key, and write texts that begin with - in quotes",
    "block mapping entries are not allowed": "write each key on a line of its own",
    "mapping keys are not allowed": "write texts that begin with ? in quotes",
    "did not find expected key": "align the keys of one mapping; a text in quotes ends at the next quote",
    "did not find expected '-' indicator": "align the entries of one list, each with a dash",
    "did not find expected ',' or": "close the bracket, and write texts that begin with a bracket in quotes",
    "did not find expected node content": "write texts that begin with a bracket or a comma in quotes",
    "did not find expected comment or line break": "write texts that begin with | or > in quotes",
    "undefined alias": "write texts that begin with * in quotes",
    "did not find expected alphabetic or numeric character": "write texts that begin with & or * in quotes",
    "unknown escape character": "write such a text in single quotes, or each \\ twice",
}
# Signs that word processors put in place of those that YAML reads (Unicode, General Punctuation and Fullwidth Forms).
_TAKEN_FOR_OTHERS = frozenset(
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\xab\xbb"
    "\uff02\uff03\uff07\uff0c\uff0d\uff1a\uff1b\uff1e\uff3b\uff3d\uff5b\uff5c\uff5d"
)


def syntax_error(name: str, text: str, error: yaml.MarkedYAMLError) -> str:
    """Return a sentence on an error of the parser: file, line, column, reason and advice."""
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context
    if error.context == "while scanning a simple key" and error.context_mark:
        # libyaml notices in the next line that the key has no colon.
        mark = error.context_mark
    if mark is None:
        return f"{name}: not valid YAML: {reason(problem)}."
    line = _line(text, mark.line)
    if "cannot start any token" in (problem or ""):
        problem = _wrong_beginning(line[mark.column : mark.column + 1])
    hints = [reason(problem), *_hints(text, error, mark.line)]
    return f"{name}, line {mark.line + 1}, column {mark.column + 1}: not valid YAML: {'; '.join(hints)}."


def reason(text: str | None) -> str:
    """Return the first line of a parser's message with advice, cut: it may quote a tag as long as the file."""
    first = excerpt(escaped(next(iter((text or "").splitlines()), "")), LONGEST_REASON)
    advice = next((advice for part, advice in _ADVICE.items() if part in first), None)
    return f"{first} ({advice})" if advice else first


def _wrong_beginning(char: str) -> str:
    if char == "\t":
        return "a tab character stands before the first word of the line"
    return f"no text may begin with {char} (write it in quotes)"


def _hints(text: str, error: yaml.MarkedYAMLError, number: int) -> Iterator[str]:
    """Yield what is wrong in lines before the one at which the parser stopped."""
    if opened := _open_quote(text, error):
        yield opened
    for earlier in range(max(0, number - 1), number + 1):
        line = _line(text, earlier)
        if re.match(r"\s*(- +)?\w+:[^\s:/]", line) and "'" not in line and '"' not in line:
            yield f"put a space behind the colon in line {earlier + 1}"
        odd = next((char for char in line if char in _TAKEN_FOR_OTHERS or (char != "\t" and is_invisible(char))), None)
        if odd is not None:
            yield f"line {earlier + 1} contains {described(odd)} in column {line.index(odd) + 1}"


def _open_quote(text: str, error: yaml.MarkedYAMLError) -> str | None:
    """Return where a quote begins that was closed in a later line, or never: what is between is one text."""
    start = error.context_mark
    if error.context == "while scanning a quoted scalar" and start:
        return f"the quote in line {start.line + 1}, column {start.column + 1} is not closed"
    stop = error.problem_mark
    found = None
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            if stop and token.start_mark.index >= stop.index:
                break
            if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"'):
                found = token if token.end_mark.line > token.start_mark.line else None
    except yaml.YAMLError:
        # The error that is being worded.
        pass
    if found is None or stop is None or found.end_mark.line != stop.line:
        return None
    begins, ends = found.start_mark, found.end_mark
    return f"the quote in line {begins.line + 1}, column {begins.column + 1} is closed only in line {ends.line + 1}"


def _line(text: str, number: int) -> str:
    lines = re.split("\r\n|\n|\r", text)
    return lines[number] if number < len(lines) else ""
