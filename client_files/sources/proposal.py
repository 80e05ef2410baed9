"""Entry for the catalogue that fits an address, valid when it is pasted."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import yaml

from vectora_core.text.words import one_line
from vectora_shared.config.configuration import SOURCES_KEY, Canonical
from vectora_shared.config.content import Content, ContentWithFile
from vectora_shared.config.loading import load_sources
from vectora_shared.config.references import source_references, unresolved
from vectora_shared.config.sources import Source, SourceType
from vectora_shared.config.values import spelling_key
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

# Parts of hosts by which the type of a source is proposed.
_TYPES_OF_HOSTS: tuple[tuple[SourceType, tuple[str, ...]], ...] = (
    ("literature", ("ncbi.nlm.nih.gov", "europepmc.org", "biorxiv.org", "medrxiv.org", "doi.org", "crossref.org")),
    ("registry", ("clinicaltrials.gov", "euclinicaltrials.eu", "isrctn.com", "who.int/clinical-trials-registry")),
    ("regulator", ("fda.gov", "ema.europa.eu", "mhra.gov.uk", "pmda.go.jp", "swissmedic.ch")),
)  # fmt: skip
_SHORTEST_NAME = 5
_NO_NAMES = frozenset({"www", "news", "press", "media", "investors", "investor", "ir", "feeds", "rss", "blog", "co"})


@dataclass(frozen=True)
class Proposal:
    """Entry for the catalogue as data and as YAML; `problem` says why the catalogue would refuse it."""

    entry: dict[str, Any]
    text: str
    problem: str


def recognized_company(url: str, canonical: Canonical) -> str | None:
    """Return the company of the canonical scopes whose name is that of the address's host."""
    labels = [re.sub(r"[^a-z0-9]", "", label) for label in (urlsplit(url).hostname or "").lower().split(".")[:-1]]
    labels = [label for label in labels if label not in _NO_NAMES]
    companies = canonical.scopes.companies
    names = [name for scope in companies.scopes.values() for name in scope.names]
    spellings = {spelling: name for name in names for spelling in (name, *companies.aliases.get(name, ()))}
    for spelling in sorted(spellings, key=len, reverse=True):
        key = re.sub(r"[^a-z0-9]", "", spelling_key(spelling))
        for label in labels:
            is_part = len(key) >= _SHORTEST_NAME and label.startswith(key)
            is_short = len(label) >= _SHORTEST_NAME and key.startswith(label)
            if key and (key == label or is_part or is_short):
                return spellings[spelling]
    return None


def proposed_type(url: str, company: str | None) -> SourceType:
    """Return the type of source that an address most likely is."""
    host = (urlsplit(url).hostname or "").lower()
    for source_type, hosts in _TYPES_OF_HOSTS:
        if any(host == known or host.endswith(f".{known}") for known in hosts):
            return source_type
    return "press_corporate" if company else "press_sector"


def proposed_key(url: str, company: str | None, source_type: SourceType, known: frozenset[str]) -> str:
    """Return a source_key that no source has."""
    name = re.sub(r"[^a-z0-9]+", "", spelling_key(company)) if company else _name_of_host(url)
    first = f"{source_type}__{name or 'source'}"
    numbered = (f"{first}_{number}" for number in itertools.count(2))
    return next(key for key in itertools.chain([first], numbered) if key not in known)


def _name_of_host(url: str) -> str:
    from tld import get_tld

    found: Any = get_tld(url, as_object=True, fail_silently=True)
    label = found.domain if found else (urlsplit(url).hostname or "")
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def proposal(source: Source, content: Content, canonical: Canonical) -> Proposal:
    """Return the entry of a source, checked by reading the catalogue with it."""
    entry = source.model_dump(mode="json", exclude_none=True, exclude_defaults=True) | {"language": source.language}
    dumped = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=10_000)
    text = "".join(f"  {line}\n" for line in dumped.splitlines())
    try:
        pasted = ContentWithFile(content, SOURCES_KEY, with_entry(content.read(SOURCES_KEY), text))
        references = source_references(replace(canonical, sources=load_sources(pasted)))
        problem = " ".join(unresolved(lambda: parse_yaml(SOURCES_KEY, pasted.read(SOURCES_KEY)), references))
    except ConfigurationError as error:
        problem = one_line(str(error))
    return Proposal(entry, text, problem)


def with_entry(catalogue: bytes, text: str) -> bytes:
    """Return the catalogue with an entry at the end of its sources."""
    body = catalogue.decode("utf-8")
    start = re.search(r"(?m)^bouquets:", body)
    position = start.start() if start else len(body)
    return f"{body[:position]}{text}\n{body[position:]}".encode()
