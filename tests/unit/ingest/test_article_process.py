"""A hostile article page costs its own text and nothing else."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from tests.unit.ingest.article_pages import TITLE, article
from vectora_core.ingest.article import ArticleError, article_text
from vectora_core.ingest.article_process import MEMORY_BYTES, ArticleProcess
from vectora_core.ingest.fetch import Page

# Longer than any test takes: no test waits for it.
LONG = 600.0
HOSTILE = {
    "attributes": b"<div " + b" ".join(b"a%d=1" % number for number in range(200_000)) + b">text</div>",
    "breaks": b"<p>" + b"word<br>" * 240_000,
    "deep": b"<div>" * 300_000,
    "entities": b"<!DOCTYPE html [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '" + b"&a;" * 9000 + b"'>]><p>" + b"&b;" * 9000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_after_a_hostile_page_the_next_one_is_read(kind: str) -> None:
    with ArticleProcess(seconds_per_page=2, seconds_to_start=LONG) as process, contextlib.suppress(ArticleError):
        process.text(Page(url="https://a.example/", body=HOSTILE[kind]), TITLE, LONG)
    with ArticleProcess(seconds_per_page=LONG, seconds_to_start=LONG) as process:
        assert process.text(Page(url="https://a.example/", body=article()), TITLE, LONG) == article_text(
            article(), None, TITLE
        )


def test_a_page_that_takes_too_long_ends_the_process_and_a_new_one_reads_the_next() -> None:
    with ArticleProcess(seconds_per_page=2, seconds_to_start=LONG) as process:
        first = _number(process)
        with pytest.raises(ArticleError, match="too long or too much memory"):
            process.text(Page(url="https://a.example/", body=HOSTILE["attributes"]), TITLE, LONG)
        assert _number(process) != first


def _number(process: ArticleProcess) -> int:
    """Return the id of the running process."""
    return process._started().pid


def test_the_process_has_no_credentials_but_finds_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/no/such/folder")
    with ArticleProcess(seconds_to_start=LONG) as process:
        environment = Path(f"/proc/{_number(process)}/environ").read_bytes()
    assert b"AWS" not in environment
    assert b"LD_LIBRARY_PATH=/no/such/folder" in environment


def test_the_process_has_a_limit_of_memory() -> None:
    with ArticleProcess(seconds_to_start=LONG) as process:
        limits = Path(f"/proc/{_number(process)}/limits").read_text(encoding="ascii")
    found = re.search(r"Max address space +(\d+) +(\d+) +bytes", limits)
    assert found
    assert found[1] == found[2]
    assert MEMORY_BYTES < int(found[1]) < 4 * MEMORY_BYTES


def test_a_page_waits_for_another_one_no_longer_than_it_may() -> None:
    with ArticleProcess() as process, process._lock, pytest.raises(ArticleError, match="no time"):
        process.text(Page(url="https://a.example/", body=article()), TITLE, 0.0)
