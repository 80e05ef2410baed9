"""Answers in the shapes of PubMed's E-utilities, ClinicalTrials.gov's API v2, openFDA and JSON Feed 1.1.

The shapes are those of their documentation: https://www.ncbi.nlm.nih.gov/books/NBK25499/,
https://clinicaltrials.gov/data-api/api, https://open.fda.gov/apis/drug/enforcement/ and
https://www.jsonfeed.org/version/1.1/. The content is invented.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vectora_core.ingest.fetch import Page
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_sources
from vectora_shared.config.sources import Source

CONFIG = Path(__file__).resolve().parents[3] / "config"


def shipped(source_key: str) -> Source:
    return next(source for source in load_sources(FolderContent(CONFIG)).sources if source.source_key == source_key)


PUBMED = shipped("literature__pubmed_lai")
TRIALS = shipped("registry__clinicaltrials_lai")
RECALLS = shipped("regulator__openfda_recalls")
JSON_FEED = Source.model_validate(
    {
        "source_key": "press_sector__depot_daily",
        "source_type": "press_sector",
        "ingestion_mode": "json",
        "url": "https://depot.example/feed.json",
        "mapping": {
            "items": "items",
            "title": "title || content_text || content_html",
            "link": "url || external_url || id",
            "date": "date_published",
            "content": "content_html || content_text || summary",
            "author": "authors[].name",
            "tags": "tags",
            "next_page": {"address": "next_url"},
        },
    }
)


def article(uid: str, title: str, *, entered: str = "2026/01/10 06:03") -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "pubdate": "2026 Jan",
        "sortpubdate": "2026/01/01 00:00",
        "source": "J Depot Res",
        "authors": [{"name": "Lind A", "authtype": "Author"}, {"name": "Okafor B", "authtype": "Author"}],
        "history": [{"pubstatus": "pubmed", "date": "2026/01/11 00:00"}, {"pubstatus": "entrez", "date": entered}],
    }


def found_ids(*ids: str) -> dict[str, Any]:
    return {
        "header": {"type": "esearch", "version": "0.3"},
        "esearchresult": {"count": str(len(ids)), "retmax": "50", "retstart": "0", "idlist": list(ids)},
    }


def summaries(*articles: dict[str, Any]) -> dict[str, Any]:
    result = {"uids": [each["uid"] for each in articles], **{each["uid"]: each for each in articles}}
    return {"header": {"type": "esummary", "version": "0.3"}, "result": result}


def study(nct_id: str, title: str, updated: str = "2026-01-09") -> dict[str, Any]:
    return {
        "protocolSection": {
            "identificationModule": {"nctId": nct_id, "briefTitle": title},
            "statusModule": {"lastUpdatePostDateStruct": {"date": updated, "type": "ACTUAL"}},
            "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Nordika AB", "class": "INDUSTRY"}},
            "descriptionModule": {"briefSummary": "Adults aged <18 years are excluded; BMI >30 is allowed."},
            "conditionsModule": {"conditions": ["Schizophrenia"]},
        },
        "hasResults": False,
    }


def recall(number: int) -> dict[str, Any]:
    return {
        "recall_number": f"D-{number:04}-2026",
        "event_id": str(91000 + number),
        "recalling_firm": "Depot Works Inc.",
        "product_description": f"Release tablets, lot {number}",
        "reason_for_recall": "Failed dissolution specifications",
        "distribution_pattern": "Nationwide",
        "classification": "Class II",
        "status": "Ongoing",
        "report_date": "20260107",
    }


def recalls(skip: int, limit: int, total: int) -> dict[str, Any]:
    numbers = range(skip, min(skip + limit, total))
    return {
        "meta": {"last_updated": "2026-01-10", "results": {"skip": skip, "limit": limit, "total": total}},
        "results": [recall(number) for number in numbers],
    }


@dataclass
class Api:
    """An API that answers as its function says; documents are sent as JSON, bytes as they are, errors are raised."""

    answer: Callable[[str], Any]
    requested: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> Page:
        self.requested.append(url)
        answer = self.answer(url)
        if isinstance(answer, Exception):
            raise answer
        return Page(url=url, body=answer if isinstance(answer, bytes) else json.dumps(answer).encode())
