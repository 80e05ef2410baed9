"""Words are counted in every script, with spaces or without."""

from __future__ import annotations

import pytest

from vectora_core.text.words import count_words


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("長時間作用型注射剤の製造販売承認を取得", 6, 12),
        ("长效注射剂获得上市批准", 4, 8),
        ("장기지속형주사제 품목허가", 2, 6),
        ("ยาฉีดออกฤทธิ์ยาวได้รับการอนุมัติ", 4, 10),
        ("ຢາສັກທີ່ອອກລິດດົນໄດ້ຮັບອະນຸມັດ", 4, 10),
        ("ថ្នាំចាក់រយៈពេលវែងត្រូវបានអនុម័ត", 4, 10),
        ("ရေရှည်အာနိသင်ရှိသောဆေးအတည်ပြု", 4, 10),
        ("新薬", 1, 1),
        ("ﾃﾞﾎﾟ製剤 depot approved", 4, 6),
    ],
)
def test_scripts_without_spaces_have_words(text: str, least: int, most: int) -> None:
    assert least <= count_words(text) <= most


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("-", 0), ("long-acting depot", 2), ("Läkemedel för Ökad vård", 4), ("новый препарат", 2)],
)
def test_scripts_with_spaces_are_counted_by_them(text: str, count: int) -> None:
    assert count_words(text) == count
