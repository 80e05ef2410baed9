"""Words around a headline that are no part of it: rubrics, tickers, and the marks of corrections and withdrawals."""

from __future__ import annotations

import re
from typing import Literal

Notice = Literal["correction", "withdrawal"]

_RUBRIC = """
press release|news release|media release|press statement|company statement|company announcement
press announcement|stock exchange (?:release|announcement)
regulatory (?:news|announcement|press release|information|release)|inside information|rns|news
news (?:brief|alert|flash|in brief|item)|newsflash|in brief|briefs?|breaking|breaking news|just in|exclusive
scoop|update|updated|alert|flash|live|live updates?|developing|watch|listen|video|podcast|audio|analysis|opinion
feature|interview|sponsored|press|wrap-?up|factbox|refile|rpt|media advisory|advisory|top news|pressmeddelande
pressrelease|pressinformation|nyhet|nyheter|kortnytt|senaste nytt|just nu|uppdatering|uppdaterad|exklusivt
regulatoriskt? (?:pressmeddelande|information)|regulatorisk|insiderinformation|börsmeddelande|intervju|analys
communiqué|communiqué de presse|actualités?|actu|mise à jour|exclusif|exclusivité|en bref|alerte|flash info
information (?:réglementée|privilégiée|presse)|dernière minute|entretien|pressemitteilung|medienmitteilung
ad[- ]hoc|ad[- ]hoc-mitteilung|eilmeldung|exklusiv|meldung
"""
_CORRECTION = (
    "correction|corrected|corrects|corrigendum|erratum|errata|clarification|rättelse|rättad|korrigering|korrigerad|"
    "korrigerat|rectificatif|rectification|corrigé|berichtigung|korrektur"
)
_WITHDRAWAL = (
    "retraction|retracted|retracts|retraction note|withdrawn|withdrawal|kill notice|rétractation|rétracté|retrait|"
    "retiré|"
    "återkallelse|återkallad|återkallat|återtagen|återtaget|tillbakadragen|tillbakadraget|tillbakadragande|indragen|"
    "zurückgezogen|widerruf"
)
# "Correction of press release:", "RETRACTED ARTICLE:", "Corrected version:".
_OBJECT = (
    r"(?:(?:\s+(?:of|to|av|till|de|du|zu))?\s+(?:(?:the|our|le|la)\s+)?"
    r"(?:press release|pressmeddelande|communiqué|release|article|story|report|"
    r"headline|version|notice|news|pressemitteilung))?"
)
_NUMBER = r"(?:\s*[#-]?\d{1,2})?"
_SEPARATOR = r"(?:\s{0,3}[:|\u2013\u2014»]\s{0,3}|\s{1,3}-{1,2}\s{1,3})"


def _around(words: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of words before and after a headline; brackets separate them from it as signs do."""
    bracketed = rf"[\[(【]\s?(?:{words}){_NUMBER}\s?:?\s?[\])】]"
    before = rf"(?:{bracketed}{_SEPARATOR}?\s*|(?:{words}){_NUMBER}{_SEPARATOR})"
    after = rf"\s*{bracketed}|{_SEPARATOR}(?:{words})"
    # News agencies write "UPDATE 1-Headline" and "BRIEF-Headline": capitals only, because "News-driven" is a word.
    agency = rf"(?-i:(?=[A-Z]{{3}}[A-Z\d ]*-))(?:{words}){_NUMBER}\s?-\s?"
    return re.compile(rf"^\s*(?:{before}|{agency})(?=\S)", re.IGNORECASE), re.compile(
        rf"(?<=\S)(?:{after})\s*$", re.IGNORECASE
    )


_RUBRIC_BEFORE, _RUBRIC_AFTER = _around("|".join(_RUBRIC.split("\n")).strip("|"))
_CORRECTION_BEFORE, _CORRECTION_AFTER = _around(f"(?:{_CORRECTION}){_OBJECT}")
_WITHDRAWAL_BEFORE, _WITHDRAWAL_AFTER = _around(f"(?:{_WITHDRAWAL}){_OBJECT}")
# Journals: "Erratum to: ...", "Correction to ..."; Swedish companies: "Rättelse av ...".
_CORRECTION_OF = re.compile(
    r"^\s*(?:correction|corrigendum|erratum|rättelse|korrigering|rectificatif)\s+(?:to|of|av|gällande|avseende|à|de|du)\b\s*:?\s*",
    re.IGNORECASE,
)
_WITHDRAWN_TEXT = re.compile(
    r"\b(?:article|story|release|announcement|report|post|item|text|paper)\b[^.]{0,40}"
    r"\b(?:has|have|had|was|were|is)\b(?:\s+been)?\s+(?:withdrawn|retracted|taken down)\b"
    r"|\b(?:har|har blivit)\s+(?:dragits tillbaka|återkallats)\b|\ba été (?:retiré|rétracté)",
    re.IGNORECASE,
)
_WITHDRAWN_CHARACTERS = 160
# "(NASDAQ: CAMX)", "(Nasdaq Stockholm: CAMX.ST)", "(Euronext Paris:MEDCL)", "[NYSE: TEVA; TASE: TEVA]".
_TICKER = re.compile(r"\s*[\[(](?:[A-Z][\w .&/-]{1,30}:\s?[A-Z0-9][A-Z0-9.\-]{0,14}(?:\s?[;,/]\s?)?){1,3}[\])]")
_MOST_RUBRICS = 4
_MAY_BE_MARKED = re.compile(r"[:|\u2013\u2014»\])】-]|^\s*(?:corr|err|rätt|korr|rect)", re.IGNORECASE)


def without_rubrics(title: str) -> str:
    """Return the headline alone; the title itself when nothing would be left of it."""
    if not _MAY_BE_MARKED.search(title):
        return title
    bare = _TICKER.sub("", title).strip()
    for _ in range(_MOST_RUBRICS):
        shorter = bare
        for pattern in (_RUBRIC_BEFORE, _CORRECTION_BEFORE, _WITHDRAWAL_BEFORE, _CORRECTION_OF):
            shorter = pattern.sub("", shorter, count=1)
        for pattern in (_RUBRIC_AFTER, _CORRECTION_AFTER, _WITHDRAWAL_AFTER):
            shorter = pattern.sub("", shorter, count=1)
        if shorter == bare or not re.search(r"\w", shorter):
            break
        bare = shorter
    return bare or title


def notice_of(title: str, content: str = "") -> Notice | None:
    """Return whether an item corrects or withdraws news, by the mark at its headline or the beginning of its text."""
    for _ in range(_MOST_RUBRICS if _MAY_BE_MARKED.search(title) else 0):
        if _WITHDRAWAL_BEFORE.search(title) or _WITHDRAWAL_AFTER.search(title):
            return "withdrawal"
        if any(pattern.search(title) for pattern in (_CORRECTION_BEFORE, _CORRECTION_AFTER, _CORRECTION_OF)):
            return "correction"
        shorter = _RUBRIC_BEFORE.sub("", title, count=1)
        if shorter == title:
            break
        title = shorter
    return "withdrawal" if _WITHDRAWN_TEXT.search(content[:_WITHDRAWN_CHARACTERS]) else None
