"""Entries of an API that answers in JSON, by the mapping of its source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from urllib.parse import quote, urljoin

from vectora_core.ingest.entries import (
    MAX_CONTENT_CHARACTERS,
    MAX_ENTRIES,
    MAX_GUID_CHARACTERS,
    DropReason,
    Entry,
    Extraction,
)
from vectora_core.ingest.fetch import Page
from vectora_core.ingest.fetch_errors import StatusError
from vectora_core.ingest.json_values import day, first_text, parse_json, readable, search, texts
from vectora_core.ingest.shared_addresses import without_shared_identities
from vectora_core.text.addresses import resolved_link
from vectora_core.text.words import MAX_TITLE_CHARACTERS, collapse_spaces, one_line, shortened
from vectora_shared.config.json_mapping import JsonMapping, NextPage, link_template, with_period
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

MAX_PAGES = 10
# NCBI: "If more than about 200 UIDs are to be provided, the request should be made using the HTTP POST method"
# (E-utilities help, ESummary, https://www.ncbi.nlm.nih.gov/books/NBK25499/).
IDS_OF_A_REQUEST = 200
MAX_TAGS = 20
# From so many entries on, a part that none of them has is more likely a wrong place than a coincidence.
_MANY_ENTRIES = 3
_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Period:
    """First and last day of the news that a request is for."""

    first: date
    last: date


@dataclass(frozen=True)
class _Answer:
    """Entries of a page with its address, how many more ids it has, and the address of the next page."""

    entries: list[tuple[str, Any]] = field(default_factory=list)
    more_ids: int = 0
    next_url: str | None = None


def read_json_source(source: Source, fetch: Callable[[str], Page], period: Period, today: date) -> Extraction:
    """Return the entries of an API in the period, in the order of its answers.

    Raise VectoraError, in words for the report, when it cannot be read, answers with an error, or does not have the
    places that the mapping names.
    """
    return _Reader(source, fetch, today).read(period)


class _Reader:
    def __init__(self, source: Source, fetch: Callable[[str], Page], today: date) -> None:
        if source.mapping is None:
            raise AssertionError("unreachable: the model requires a mapping")
        self._source = source
        self._mapping: JsonMapping = source.mapping
        self._fetch = fetch
        self._today = today
        self._limit = min(source.max_items, MAX_ENTRIES)

    def read(self, period: Period) -> Extraction:
        raw: list[tuple[str, Any]] = []
        beyond = 0
        url: str | None = with_period(self._source.url, period.first, period.last)
        seen: set[str] = set()
        problem = None
        while url is not None and problem is None:
            seen.add(url)
            try:
                page = self._page(url)
            except VectoraError as error:
                if not raw:
                    raise
                # What the pages before it had is kept, as with a feed that is broken in the middle.
                page, problem = _Answer(), f"Page {len(seen)} could not be read. {error}"
            raw += page.entries
            beyond += page.more_ids
            url = None if page.next_url in seen else page.next_url
            if url and problem is None:
                problem = self._why_to_stop(len(raw), len(seen))
        return self._extraction(raw, beyond, problem)

    def _why_to_stop(self, entries: int, pages: int) -> str | None:
        if entries >= self._limit:
            return f"The API has more entries: the first {entries} were read, because of max_items."
        return f"The API has more than {MAX_PAGES} pages: the first ones were read." if pages >= MAX_PAGES else None

    def _page(self, url: str) -> _Answer:
        answer = self._answer(url)
        if answer is None:
            return _Answer()
        entries, more_ids = self._entries_of(*answer)
        return _Answer(entries, more_ids, _next_address(self._mapping.next_page, url, *answer))

    def _answer(self, url: str) -> tuple[str, Any] | None:
        """Return the address that answered and the answer, None for one that means no results.

        Raise VectoraError when it says that something is wrong.
        """
        try:
            page = self._fetch(url)
        except StatusError as error:
            if self._means_no_results(error):
                return None
            raise
        document = parse_json(page.body)
        return None if self._has_no_results(document) else (page.url, document)

    def _means_no_results(self, error: StatusError) -> bool:
        """Return whether the body of a failed request means no results, as openFDA's does with status 404.

        Raise VectoraError with the reason that the body gives, if it gives one.
        """
        sentence = one_line(error.body.decode("utf-8", "replace"))
        if sentence.startswith("{"):
            try:
                return self._has_no_results(parse_json(error.body))
            except VectoraError as reason:
                raise VectoraError(f"{error} {reason}") from error
        # ClinicalTrials.gov answers with a sentence in text/plain.
        if sentence and not sentence.startswith(("<", "[")):
            raise VectoraError(f"{error} The API says: {sentence[:200]}") from error
        return False

    def _has_no_results(self, document: Any) -> bool:
        """Return whether an answer means no results; raise VectoraError when it is an error."""
        if search(self._mapping.nothing_found, document) is True:
            return True
        if message := first_text(search(self._mapping.error, document)):
            raise VectoraError(f"The API answered with an error: {message[:300]}")
        return False

    def _entries_of(self, url: str, document: Any) -> tuple[list[tuple[str, Any]], int]:
        """Return the entries of an answer with its address, and how many more ids there are than max_items."""
        details = self._mapping.details
        if details is None:
            return [(url, entry) for entry in self._list("items", self._mapping.items, document)], 0
        found = self._list("details.ids", details.ids, document)
        ids = list(dict.fromkeys(text for value in found for text in texts(value) if _ID.fullmatch(text)))
        if found and not ids:
            raise VectoraError(f"{self._place('details.ids', details.ids)} finds no ids: correct it.")
        entries: list[tuple[str, Any]] = []
        wanted = ids[: self._limit]
        for start in range(0, len(wanted), IDS_OF_A_REQUEST):
            joined = ",".join(quote(each, safe="") for each in wanted[start : start + IDS_OF_A_REQUEST])
            if answer := self._answer(details.url.replace("{ids}", joined)):
                entries += [(answer[0], entry) for entry in self._list("items", self._mapping.items, answer[1])]
        return entries, len(ids) - len(wanted)

    def _list(self, key: str, path: str, document: Any) -> list[Any]:
        found = search(path, document)
        if isinstance(found, list):
            return found
        kind = "nothing" if found is None else "an object" if isinstance(found, dict) else "a single value"
        instead = kind if found is None else f"{kind} instead of a list"
        raise VectoraError(f"{self._place(key, path)} finds {instead} in {_described(document)}: correct it.")

    def _place(self, key: str, path: str) -> str:
        return f"The source's mapping.{key} ('{path[:100]}')"

    def _extraction(self, raw: list[tuple[str, Any]], beyond: int, problem: str | None) -> Extraction:
        read = [self._entry(url, value) for url, value in raw[:MAX_ENTRIES]]
        entries = tuple(entry for entry in read if isinstance(entry, Entry))
        lost = Counter(part for part in read if not isinstance(part, Entry))
        if lost and not entries:
            key = lost.most_common(1)[0][0]
            place = self._place(key, self._mapping.link if key == "link" else self._mapping.title)
            shown = _described(raw[0][1])
            raise VectoraError(f"{place} finds nothing usable in the {len(raw)} entries, in {shown}: correct it.")
        remarks = [problem] if problem else []
        remarks += [
            f"{count} of {len(read)} entries have no {key} where mapping.{key} looks for it."
            for key, count in lost.items()
        ]
        dropped: dict[DropReason, int] = {
            "without_title": lost["title"],
            "without_link": lost["link"],
            "too_many_entries": len(raw) - len(read),
            "beyond_max_items": beyond,
        }
        return Extraction(
            entries=without_shared_identities(entries),
            problem=" ".join([*remarks, *self._wrong_places(entries)]) or None,
            dropped=dropped,
            may_be_empty=True,
        )

    def _wrong_places(self, entries: tuple[Entry, ...]) -> Iterator[str]:
        mapping = self._mapping
        if len(entries) < _MANY_ENTRIES:
            return
        if mapping.date and not any(entry.published for entry in entries):
            yield f"{self._place('date', mapping.date)} finds no full date in any entry: correct it."
        if mapping.content and not any(entry.content for entry in entries):
            yield f"{self._place('content', mapping.content)} finds no text in any entry: correct it."

    def _entry(self, base: str, raw: Any) -> Entry | Literal["title", "link"]:
        """Return an entry, or the key of the mapping whose part it lacks."""
        mapping = self._mapping
        title = collapse_spaces(readable(search(mapping.title, raw)))
        if not title:
            return "title"
        address = self._link(base, raw)
        if address is None:
            return "link"
        author = ", ".join(filter(None, map(one_line, texts(search(mapping.author, raw)))))
        tags = (shortened(one_line(text), 100) for text in texts(search(mapping.tags, raw)))
        return Entry(
            title=shortened(title, MAX_TITLE_CHARACTERS),
            url=address,
            content=shortened(readable(search(mapping.content, raw)), MAX_CONTENT_CHARACTERS),
            published=day(search(mapping.date, raw), today=self._today, date_format=self._source.date_format),
            author=shortened(author, 200),
            tags=tuple(dict.fromkeys(filter(None, tags)))[:MAX_TAGS],
            guid=first_text(search(mapping.id, raw))[:MAX_GUID_CHARACTERS],
        )

    def _link(self, base: str, raw: Any) -> str | None:
        mapping = self._mapping
        template = link_template(mapping)
        if template is None:
            written = first_text(search(mapping.link, raw))
        else:
            identifier = first_text(search(mapping.id, raw))
            written = template.replace("{id}", quote(identifier[:200], safe="")) if identifier else ""
        return resolved_link(base, written) if written else None


def _next_address(next_page: NextPage | None, requested: str, answered: str, document: Any) -> str | None:
    """Return the address of the page after the one that was requested, None after the last."""
    if next_page is None:
        return None
    if next_page.address is not None:
        written = first_text(search(next_page.address, document))
        try:
            return urljoin(answered, written) if written else None
        except ValueError:
            return None
    value = search(next_page.value, document)
    token = first_text(value) if value else ""
    if not token or next_page.parameter is None:
        return None
    path, _, query = requested.partition("?")
    # As text: the catalogue's spelling of the other parameters is the one that the API accepts.
    kept = [part for part in query.split("&") if part and part.partition("=")[0] != next_page.parameter]
    return f"{path}?{'&'.join([*kept, f'{next_page.parameter}={quote(token[:2000])}'])}"


def _described(value: Any) -> str:
    if isinstance(value, dict):
        keys = ", ".join(one_line(str(key))[:40] for key in list(value)[:8])
        return f"an object with the keys {keys}" if keys else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "a single value"
