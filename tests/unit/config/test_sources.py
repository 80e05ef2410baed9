"""Mistakes in the catalogue of sources are refused with their place and the name that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vectora_shared.config.content import ContentWithFile, FolderContent
from vectora_shared.config.loading import load_canonical, load_configuration
from vectora_shared.config.sources import SOURCE_TYPES
from vectora_shared.errors import ConfigurationError

CONFIG = FolderContent(Path(__file__).parents[3] / "config")
KEY = "canonical/sources/source_catalog.yaml"
TEXT = CONFIG.read(KEY).decode("utf-8")
PUBMED_URL = "esearch.fcgi?db=pubmed&"


def refusal(old: str, new: str) -> str:
    """Return the message on the shipped catalogue with one place changed."""
    assert old in TEXT
    with pytest.raises(ConfigurationError) as refused:
        load_canonical(ContentWithFile(CONFIG, KEY, TEXT.replace(old, new, 1).encode()))
    return str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("company: Camurus", "company: Camurs", "scopes/companies.yaml does not have: did you mean 'Camurus'?"),
        ("company: Camurus", "company: camurus", "did you mean 'Camurus'?"),
        ("company: Camurus", "company: Zzyzx Works", "does not have: add it there."),
        ("source_type: press_sector", "source_type: press_sectr", "did you mean 'press_sector'?"),
        ("source_type: registry", "source_type: regsitry", "did you mean 'registry'?"),
        ("ingestion_mode: rss", "ingestion_mode: jsn", "did you mean 'json'?"),
        ("- press_sector__fiercebiotech", "- press_sector__fiercebiotch", "mean 'press_sector__fiercebiotech'?"),
        ("name: Fierce Biotech", "language: jp", "JP is Japan; did you mean 'ja'?"),
        ("name: Fierce Biotech", "language: xx", "is the code of no language: write one of ISO 639-1"),
        ("name: Fierce Biotech", "language: english", "Language of its news"),
    ],
)  # fmt: skip
def test_a_mistyped_name_is_refused_with_its_place_and_the_nearest_one(old: str, new: str, expected: str) -> None:
    message = refusal(old, new)
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    assert f"{KEY}, line {line}, column" in message
    assert expected in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("items: studies", "items: studies[", "is not a JMESPath expression"),
        ("items: values(result)[?uid]", "items: valuse(result)", "no function of JMESPath: did you mean 'values'?"),
        ("items: studies", "itms: studies", "did you mean 'items'?"),
        ("clinicaltrials.gov/study/{id}", "clinicaltrials.gov/study/{nct}", "without exactly one {id}"),
        ("      id: uid\n", "", "the mapping names no id"),
        ("&id={ids}", "&id=1", "must have exactly one placeholder, {ids}"),
        ("{from_date:%Y/%m/%d}", "{fromdate}", "did you mean 'from_date'?"),
        ("{to_date:%Y%m%d}", "{to_date:%s}", "also with a format of digits"),
        (PUBMED_URL, f"{PUBMED_URL}api_key=0123abcd&", "has the query parameter api_key"),
        ("&retmode=json&tool=vectora-inbox&id=", "&api_key=0123abcd&id=", "has the query parameter api_key"),
        ("        value: nextPageToken\n", "", "neither address alone nor parameter with value"),
        ("json\n    url: https://clin", "rss\n    url: https://clin", "needs ingestion_mode json"),
        ("rss\n    url: https://endpts", "json\n    url: https://endpts", "needs the key mapping"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_work_is_refused_in_words(old: str, new: str, expected: str) -> None:
    assert expected in refusal(old, new)


def test_a_mistyped_company_is_reported_together_with_other_mistakes() -> None:
    text = TEXT.replace("company: Camurus", "company: Camurs", 1).replace("max_items: 20", "max_items: twenty", 1)
    with pytest.raises(ConfigurationError) as refused:
        load_canonical(ContentWithFile(CONFIG, KEY, text.encode()))
    assert "did you mean 'Camurus'?" in str(refused.value)
    assert "has the value 'twenty'" in str(refused.value)


def test_catalogues_of_earlier_releases_stay_valid() -> None:
    document = yaml.safe_load(TEXT)
    added = {"literature", "registry", "regulator"}
    document["sources"] = [source for source in document["sources"] if source["source_type"] not in added]
    document["bouquets"] = [each for each in document["bouquets"] if each["bouquet_id"] != "lai_registers"]
    old = yaml.safe_dump(document).replace("language: en\n", "")
    configuration = load_configuration(ContentWithFile(CONFIG, KEY, old.encode()), "lai_weekly")
    assert {source.source_type for source in configuration.sources.sources} == {"press_corporate", "press_sector"}
    assert added < set(SOURCE_TYPES)


def test_no_client_reads_the_apis_until_it_subscribes() -> None:
    for client_id in ("lai_weekly", "canary"):
        configuration = load_configuration(CONFIG, client_id)
        assert "lai_registers" not in configuration.client.source_config.source_bouquets_enabled


def test_a_company_in_another_spelling_of_its_scope_is_accepted() -> None:
    text = TEXT.replace("company: Camurus", "company: Camurus AB", 1)
    canonical = load_canonical(ContentWithFile(CONFIG, KEY, text.encode()))
    assert "Camurus AB" in {source.company for source in canonical.sources.sources}
