"""Headlines without what stands around them: rubrics, tickers, and the names of the papers that print them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from vectora_core.items import CuratedItem
from vectora_core.newsletter.headline_words import EVENTS, pattern_of
from vectora_core.text.rubrics import without_rubrics
from vectora_core.text.words import fold
from vectora_shared.config.configuration import Configuration

# So many titles of one source, and so large a share of them, have its name behind them.
_LEARNED_TITLES = 3
_LEARNED_SHARE = 0.5
_MOST_NAMES = 3
_MOST_WORDS = 5
_SPACE = r"[ \u00a0\u2009]{1,4}"
_SIGNS = r"\||\u2013|\u2014|--?|\u00b7|\u2022|::|//|»|~"
_TAIL = re.compile(rf"^(?P<core>.*\S){_SPACE}(?P<sign>{_SIGNS}){_SPACE}(?P<name>\S.*)$")
_HEAD = re.compile(rf"^(?P<name>\S[^|:]{{0,60}}?)(?P<sign>{_SPACE}(?:{_SIGNS}){_SPACE}|\s?:\s|\s?\|\s?)(?P<core>\S.*)$")
_MAY_SEPARATE = re.compile(r"[|:\])»~\u00b7\u2022\u2013\u2014/]|\s-")
_IN_BRACKETS = re.compile(r"^(?P<core>.*\S)\s?[\[(](?:via |source: )?(?P<name>[^\[\]()]{2,40})[\])]$", re.IGNORECASE)
# These separate a page's title from the name of its site; a dash also separates two parts of a headline.
_SITE_SIGNS = frozenset({"|", "\u00b7", "\u2022", "::", "//", "»", "~"})
_ADDRESS = re.compile(
    r"(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|news|info|io|co|eu|uk|se|fr|de|dk|no|fi|ch)", re.IGNORECASE
)
# Common nouns in the names of papers.
_PAPER = re.compile(
    r"\b(?:news|newswire|newsroom|wire|times|journal|herald|tribune|gazette|daily|weekly|post|magazine|letter|telegraph|"
    r"observer|chronicle|today|newspaper|review|monitor|bulletin|report|nyheter|tidning\w*|dagblad\w*|nytt|zeitung|"
    r"actualites|quotidien|media|online)\b"
)
# Agencies and papers whose reports other sites print; the catalogue has the names of the client's own sources.
_AGENCY_NAMES = """
reuters bloomberg ap apnews associatedpress afp agencefrancepresse dowjones marketwatch cnbc bbc cnn wsj
wallstreetjournal ft financialtimes newyorktimes nyt forbes fortune axios politico guardian businesswire prnewswire
globenewswire accesswire newsfilecorp cision mfn stocktitan benzinga yahoofinance yahoo seekingalpha investing msn
nasdaq marketscreener barrons zacks biospace statnews stat fiercepharma fiercebiotech fiercehealthcare endpointsnews
endpoints endpts pharmaletter pharmatimes pharmaphorum pharmavoice biopharmadive biocentury bioworld evaluate scrip
pinksheet citeline gen labiotech biotechgate contractpharma europeanpharmaceuticalreview pharmtech
drugdiscoverytrends medcitynews pmlive clinicaltrialsarena pharmaceuticaltechnology medscape healio medpagetoday
webmd aidsmap boursier boursorama zonebourse lesechos lemonde lefigaro latribune aof tt tidningarnastelegrambyra
dagensindustri di dagensmedicin lakemedelsvarlden lifesciencesweden biostock placera avanza breakit svd
svenskadagbladet dn sydsvenskan finwire nyhetsbyrandirekt googlenews koreabiomed yonhap businesskorea nikkei xinhua
"""
_AGENCIES = frozenset(_AGENCY_NAMES.split())
# A paper may be called "The Plant", and a person's name may be one.
_SIGN_OF_AN_EVENT = pattern_of(term for event, terms in EVENTS if event not in ("plant", "people") for term in terms)


@dataclass(frozen=True)
class Names:
    """Names of the catalogue's papers, and of companies, which stand in headlines as their subjects."""

    papers: Mapping[str, str]  # by source_key; a company's own source has the company's name
    companies: frozenset[str]

    @classmethod
    def of(cls, configuration: Configuration) -> Names:
        """Return the names that a configuration knows."""
        scopes = configuration.scopes.companies
        spellings = {name for scope in scopes.scopes.values() for name in scope.names}
        aliases = {alias for each in scopes.aliases.values() for alias in each}
        return cls(
            papers={each.source_key: each.name or each.company or "" for each in configuration.sources.sources},
            companies=frozenset(_squeezed(name) for name in spellings | aliases),
        )


NO_NAMES = Names({}, frozenset())


class Headlines:
    """Headlines of items, each by itself and beside those of all others."""

    def __init__(self, items: Iterable[CuratedItem], names: Names = NO_NAMES) -> None:
        """Initialize with all items: they show which names stand around the headlines of each source."""
        self._companies = names.companies
        self._papers = frozenset(
            _squeezed(name) for key, name in names.papers.items() if not key.startswith("press_corporate__")
        )
        self._own: dict[str, frozenset[str]] = {key: frozenset({_squeezed(name)}) for key, name in names.papers.items()}
        self._items = {(item.source_key, item.title): item for item in items}
        bare = {key: without_rubrics(key[1]) for key in self._items}
        self._learned = self._names_of_sources(bare)
        certain = {key: self._without_certain(self._items[key], title) for key, title in bare.items()}
        self._cores = self._confirmed(certain)

    def core(self, item: CuratedItem) -> str:
        """Return the headline of one of the items without the names and rubrics around it."""
        return self._cores[item.source_key, item.title]

    def _names_of_sources(self, titles: Mapping[tuple[str, str], str]) -> frozenset[tuple[str, str]]:
        """Return the sources with the names that stand around most of their headlines, and in none."""
        sources = Counter(source for source, _ in titles)
        around = Counter(
            (key[0], name)
            for key, title in titles.items()
            for name in {_squeezed(each) for _, each, _ in _parts(title)}
        )
        frequent = {
            pair
            for pair, count in around.items()
            if count >= _LEARNED_TITLES
            and count >= _LEARNED_SHARE * sources[pair[0]]
            and pair[1] not in self._companies
        }
        if not frequent:
            return frozenset()
        inside = [_squeezed(_rest(title, key[0], frequent)) for key, title in titles.items()]
        return frozenset(pair for pair in frequent if not any(pair[1] in rest for rest in inside))

    def _without_certain(self, item: CuratedItem, title: str) -> str:
        for _ in range(_MOST_NAMES):
            found = next((core for core, name, _ in _parts(title) if self._is_paper(item, name)), None)
            if found is None:
                break
            title = without_rubrics(found)
        return title

    def _is_paper(self, item: CuratedItem, name: str) -> bool:
        squeezed = _squeezed(name)
        if not squeezed or _is_news(name):
            return False
        if squeezed in self._own_names(item) or (item.source_key, squeezed) in self._learned:
            return True
        if squeezed in self._companies:
            return False
        is_known = squeezed in self._papers or squeezed in _AGENCIES
        return (
            is_known
            or bool(_ADDRESS.fullmatch(name))
            or (_is_name(name) and bool(_PAPER.search(fold(name).casefold())))
        )

    def _own_names(self, item: CuratedItem) -> frozenset[str]:
        key = f"{item.source_key} {_host(item.url)}"
        if key not in self._own:
            labels = _host(item.url).split(".")
            names = {
                _squeezed(item.source_key.partition("__")[2]),
                *map(_squeezed, labels[:-1]),
                _squeezed("".join(labels)),
            }
            self._own[key] = frozenset(names - {""}) | self._own.get(item.source_key, frozenset())
        return self._own[key]

    def _confirmed(self, titles: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
        """Return the headlines without names behind them that no list has, where the same headline is also without.

        Several names behind one headline may be companies, each with an event of its own; only those that a sign for
        sites separates are papers.
        """
        uncertain = {key: found for key, title in titles.items() if (found := self._uncertain(title))}
        complete = {_key(title) for title in titles.values()} if uncertain else set()
        names: dict[str, set[str]] = {}
        sites: dict[str, set[str]] = {}
        for core, name, sign in uncertain.values():
            (sites if sign in _SITE_SIGNS else names).setdefault(_key(core), set()).add(_squeezed(name))
        cores = dict(titles)
        for key, (core, _, sign) in uncertain.items():
            same = _key(core)
            is_confirmed = same in complete or len(sites.get(same, ())) > 1
            if is_confirmed and (sign in _SITE_SIGNS or len(names[same]) == 1):
                cores[key] = core
        return cores

    def _uncertain(self, title: str) -> tuple[str, str, str] | None:
        found = _TAIL.match(title) if _MAY_SEPARATE.search(title) else None
        if found is None or len(_key(found["core"]).split()) < 3:
            return None
        name = found["name"]
        if not _is_name(name) or _is_news(name) or _squeezed(name) in self._companies:
            return None
        return found["core"], name, found["sign"]


def _rest(title: str, source_key: str, names: Collection[tuple[str, str]]) -> str:
    """Return a title without the name around it, if it is one of the source's names."""
    return next((core for core, name, _ in _parts(title) if (source_key, _squeezed(name)) in names), title)


def _parts(title: str) -> Sequence[tuple[str, str, str]]:
    """Return the ways to divide a title into a headline and a name around it, with the sign between them."""
    if not _MAY_SEPARATE.search(title):
        return []
    found = (pattern.match(title) for pattern in (_TAIL, _HEAD, _IN_BRACKETS))
    return [(match["core"], match["name"], match.groupdict().get("sign") or "") for match in found if match]


def _is_name(text: str) -> bool:
    """Return whether a text is written as a name is: few words, all with capitals but those that join others."""
    words = text.split()
    return (
        len(words) <= _MOST_WORDS
        and not any(sign.isdigit() for sign in text)
        and all(
            word[0].isupper() or not word[0].isalpha() or word in ("of", "the", "and", "for", "de", "la", "le", "du")
            for word in words
        )
    )


def _is_news(text: str) -> bool:
    return _SIGN_OF_AN_EVENT.search(fold(text).casefold()) is not None and not _PAPER.search(fold(text).casefold())


def _key(title: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(title).casefold()))


def _squeezed(name: str) -> str:
    letters = re.sub(r"[\W_]+", " ", fold(name).casefold()).strip()
    return letters.removeprefix("the ").replace(" ", "")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
