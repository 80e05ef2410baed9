"""Fixed words, dates and numbers of a newsletter in its language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from vectora_core.newsletter.phases import PRECLINICAL

if TYPE_CHECKING:
    from babel import Locale

Forms = Mapping[str, str]
# English without a region has the day before the month, as most readers of the newsletter write it.
_LOCALES = {"en": "en_001"}
# By language and plural form (CLDR). A text that never depends on a number has the form "other" only.
_TEXTS: Mapping[str, Mapping[str, Forms]] = {
    "in_brief": {"en": {"other": "In brief"}, "fr": {"other": "En bref"}, "sv": {"other": "I korthet"}},
    "no_news": {
        "en": {"other": "No news of the watched field was found in this period."},
        "fr": {"other": "Aucune actualité du domaine suivi n\u2019a été trouvée pour cette période."},
        "sv": {"other": "Inga nyheter inom det bevakade området hittades under perioden."},
    },
    "items": {
        "en": {"one": "{count} item", "other": "{count} items"},
        "fr": {"one": "{count} article", "other": "{count} articles"},
        "sv": {"one": "{count} nyhet", "other": "{count} nyheter"},
    },
    "sources_read": {
        "en": {"one": "{count} source read", "other": "{count} sources read"},
        "fr": {"one": "{count} source lue", "other": "{count} sources lues"},
        "sv": {"one": "{count} källa läst", "other": "{count} källor lästa"},
    },
    "sources_failed": {
        "en": {"other": "{failed} of {count} sources could not be read: {names}."},
        "fr": {
            "one": "{failed} source sur {count} n\u2019a pas pu être lue\u00a0: {names}.",
            "other": "{failed} sources sur {count} n\u2019ont pas pu être lues\u00a0: {names}.",
        },
        "sv": {"other": "{failed} av {count} källor kunde inte läsas: {names}."},
    },
    "press_corporate": {
        "en": {"other": "Company release"},
        "fr": {"other": "Communiqué d\u2019entreprise"},
        "sv": {"other": "Pressmeddelande"},
    },
    "press_sector": {
        "en": {"other": "Trade press"},
        "fr": {"other": "Presse spécialisée"},
        "sv": {"other": "Fackpress"},
    },
    "also_reported_by": {
        "en": {"other": "Also reported by"},
        "fr": {"other": "Également rapporté par"},
        "sv": {"other": "Rapporteras även av"},
    },
    "correction": {"en": {"other": "Correction"}, "fr": {"other": "Rectificatif"}, "sv": {"other": "Rättelse"}},
    "withdrawal": {
        "en": {"other": "Withdrawn by its source"},
        "fr": {"other": "Retiré par sa source"},
        "sv": {"other": "Återkallat av källan"},
    },
    "regulator": {
        "en": {"other": "Regulator"},
        "fr": {"other": "Autorité de santé"},
        "sv": {"other": "Myndighet"},
    },
    "registry": {"en": {"other": "Register"}, "fr": {"other": "Registre"}, "sv": {"other": "Register"}},
    "literature": {
        "en": {"other": "Scientific article"},
        "fr": {"other": "Article scientifique"},
        "sv": {"other": "Vetenskaplig artikel"},
    },
    "undated": {"en": {"other": "undated"}, "fr": {"other": "sans date"}, "sv": {"other": "odaterad"}},
    "why_it_matters": {
        "en": {"other": "Why it matters:"},
        "fr": {"other": "Pourquoi c\u2019est important\u00a0:"},
        "sv": {"other": "Därför är det viktigt:"},
    },
    "phase": {"en": {"other": "Phase {phase}"}, "fr": {"other": "Phase {phase}"}, "sv": {"other": "Fas {phase}"}},
    "preclinical": {"en": {"other": "Preclinical"}, "fr": {"other": "Préclinique"}, "sv": {"other": "Preklinisk"}},
    "draft": {
        "en": {"other": "Draft: not published, and not sent"},
        "fr": {"other": "Brouillon\u00a0: ni publié, ni envoyé"},
        "sv": {"other": "Utkast: varken publicerat eller skickat"},
    },
    "not_shown": {
        "en": {
            "one": "{count} further item is in the plain-text version.",
            "other": "{count} further items are in the plain-text version.",
        },
        "fr": {
            "one": "{count} autre article figure dans la version texte.",
            "other": "{count} autres articles figurent dans la version texte.",
        },
        "sv": {
            "one": "Ytterligare {count} nyhet finns i textversionen.",
            "other": "Ytterligare {count} nyheter finns i textversionen.",
        },
    },
    "all_issues": {"en": {"other": "All issues"}, "fr": {"other": "Tous les numéros"}, "sv": {"other": "Alla nummer"}},
    "text_version": {"en": {"other": "Plain text"}, "fr": {"other": "Texte"}, "sv": {"other": "Ren text"}},
    "feed": {"en": {"other": "RSS feed"}, "fr": {"other": "Flux RSS"}, "sv": {"other": "RSS-flöde"}},
}


@dataclass(frozen=True)
class Wording:
    """Texts in one language, such as en, fr-CA or sv."""

    language: str

    @property
    def locale(self) -> Locale:
        # Imported here: the other functions of the engine start faster without it.
        from babel import Locale, UnknownLocaleError

        name = _LOCALES.get(self.language, self.language.replace("-", "_"))
        try:
            return Locale.parse(name)
        except UnknownLocaleError:
            return Locale.parse(_LOCALES.get(self._base, self._base))

    @property
    def _base(self) -> str:
        return self.language.partition("-")[0]

    def text(self, name: str, **values: str) -> str:
        """Return a fixed text that depends on no number."""
        return self._forms(name)["other"].format(**values)

    def counted(self, name: str, count: int, /, plural_of: int | None = None, **values: str) -> str:
        """Return a fixed text with a number, in the plural form of `count`, or of `plural_of`."""
        forms = self._forms(name)
        form = self.locale.plural_form(count if plural_of is None else plural_of)
        return forms.get(form, forms["other"]).format(count=self.number(count), **values)

    def number(self, value: int) -> str:
        from babel.numbers import format_decimal

        return format_decimal(value, locale=self.locale)

    def day(self, day: date | None) -> str:
        """Return a day such as 2 March 2026, or that there is none."""
        from babel.dates import format_date

        return format_date(day, "long", locale=self.locale) if day else self.text("undated")

    def period(self, first: date, last: date) -> str:
        """Return a range of days such as 4 Feb - 2 Mar 2026."""
        from babel.dates import format_interval

        return self.day(last) if first == last else format_interval(first, last, "yMMMMd", locale=self.locale)

    def phase(self, phase: str) -> str:
        return self.text("preclinical") if phase == PRECLINICAL else self.text("phase", phase=phase)

    def _forms(self, name: str) -> Forms:
        return _TEXTS[name][self._base]
