"""A sentence of the model is kept only if the item's text has its numbers and names, and if it is only text."""

from __future__ import annotations

import pytest

from vectora_core.analysis.grounding import ItemWords

TEXT = """
Norvanta's monthly depot NRV-21 meets endpoint of phase III trial in Sweden. The U.S. Food and Drug Administration
(agency) received the new drug application of Norvanta AB and its partner Ovarelli Pharma in Europe. In 1,240 adults,
relapses fell by 41.5% over twelve weeks; the second trial reads out in 2027. BLURITOL\u00ae is a long-acting injectable
of the mRNA maker Kest\u00e8ra. See https://norvanta.example.
"""

SUPPORTED = [
    "Norvanta's monthly depot meets endpoint of phase 3 trial",
    "Norvanta files NRV-21 with the FDA",
    "Adds a second monthly option beside Bluritol in Europe",
    "Swedish and European patients could get it in 2027.",
    "Relapses fell by 41.5% in 1240 adults over 12 weeks",
    "The NDA of Kestera's partner Ovarelli is with the US agency",
    "First LAI of an mRNA maker: would compete with depots",
    "Trial 2 reads out in 2027",
    "FDA-reviewed depot of Norvanta AB",
    "",
]
INVENTED = [
    "Pfizer's monthly depot meets endpoint of phase 3 trial",
    "Pfizer files a monthly depot",
    "Norvanta and Pfizer file a depot",
    "Relapses fell by 42% in adults",
    "Relapses fell in 1,250 adults",
    "Norvanta files NRV-22",
    "Norvanta files with the EMA",
    "Competes with Invega Sustenna",
    "Adds a fourth option in 2028",
    "Worth $9.9 billion a year",
    "Norvanta's share of the Japanese market grows",
    "Norvanta explains it at https://norvanta.example",
    "Norvanta explains it at www.evil.example",
    "Norvanta <b>meets</b> its endpoint",
]


@pytest.mark.parametrize("sentence", SUPPORTED)
def test_a_sentence_with_names_and_numbers_of_the_text_is_supported(sentence: str) -> None:
    assert ItemWords(TEXT).support(sentence)


@pytest.mark.parametrize("sentence", INVENTED)
def test_a_sentence_with_another_name_or_number_is_not(sentence: str) -> None:
    assert not ItemWords(TEXT).support(sentence)


def test_without_a_text_only_common_words_are_supported() -> None:
    assert ItemWords("").support("Adds another monthly option")
    assert not ItemWords("").support("Norvanta adds another monthly option")
