"""No entry of a news page is lost because its link, its language or its date is unusual."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from vectora_core.ingest.entries import Extraction
from vectora_core.ingest.pages import parse_page
from vectora_shared.config.sources import Source

PAGE = "https://agency.example/news"
TODAY = date(2025, 11, 25)
TITLES = ["Depot A approved for adults", "Recall of lot 12 of product B", "Shortage of product C ended"]


def extraction(body: str, *, head: str = "", attributes: str = "", language: str = "en") -> Extraction:
    source = Source.model_validate(
        {
            "source_key": "press_corporate__a",
            "source_type": "press_corporate",
            "ingestion_mode": "html",
            "url": PAGE,
            "language": language,
        }
    )
    page = f'<html {attributes}><head><meta charset="utf-8">{head}</head><body><main>{body}</main></body></html>'
    return parse_page(page.encode(), source, PAGE, "utf-8", TODAY)


def listed(
    link: Callable[[int], str], *, days: tuple[str, ...] = ("2025-11-11", "2025-11-12", "2025-11-13"), tag: str = "li"
) -> str:
    items = "".join(
        f'<{tag} class="item"><span class="date">{day}</span><a href="{link(number)}">{title}</a></{tag}>'
        for number, (title, day) in enumerate(zip(TITLES, days, strict=True))
    )
    return f'<ul class="news">{items}</ul>'


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/updates#u{}", "https://agency.example/updates#u{}"),
        ("/news#u{}", "https://agency.example/news#u{}"),
        ("#u{}", "https://agency.example/news#u{}"),
        ("#!/news/{}", "https://agency.example/news#!/news/{}"),
        ("/#/news/{}", "https://agency.example/#/news/{}"),
        ("/view.php?id={}", "https://agency.example/view.php?id={}"),
        ("/news?id={}", "https://agency.example/news?id={}"),
        ("/news?p=1{}", "https://agency.example/news?p=1{}"),
        (" //agency.example/n/{}\n", "https://agency.example/n/{}"),
        ("/n/{}?utm_source=site", "https://agency.example/n/{}"),
        ("https://www.google.com/url?url=https%3A%2F%2Fb.example%2Fn%2F{}", "https://b.example/n/{}"),
    ],
)
def test_what_tells_links_apart_tells_entries_apart(link: str, expected: str) -> None:
    entries = extraction(listed(link.format)).entries

    assert [entry.title for entry in entries] == TITLES
    assert [entry.url for entry in entries] == [expected.format(number) for number in range(3)]
    assert all(entry.has_own_url for entry in entries)


@pytest.mark.parametrize("tag", ["li", "div", "article"])
@pytest.mark.parametrize("days", [("2025-11-11", "2025-11-12", "2025-11-13"), ("2025-11-11",) * 3])
def test_a_list_whose_entries_lead_to_one_page_has_all_its_entries(tag: str, days: tuple[str, ...]) -> None:
    entries = extraction(listed(lambda _: "/notices", tag=tag, days=days)).entries

    assert [(entry.title, str(entry.published)) for entry in entries] == list(zip(TITLES, days, strict=True))
    assert [entry.has_own_url for entry in entries] == [False] * 3


def test_headline_and_teaser_of_a_card_are_one_address() -> None:
    cards = "".join(
        f'<li><h3><a href="/n/{number}">{title}</a></h3><a href="/n/{number}">The agency has today decided.</a></li>'
        for number, title in enumerate(TITLES)
    )
    assert all(entry.has_own_url for entry in extraction(f'<ul class="news">{cards}</ul>').entries)


def test_labels_of_the_page_itself_are_no_entries() -> None:
    labels = (
        '<ul class="news"><li><a href="#main">Skip to the main content</a></li><li><a href="/news?p=2">2</a></li></ul>'
    )
    assert [entry.title for entry in extraction(f"{labels}{listed('/n/{}'.format)}").entries] == TITLES


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://www.agency.example/press/", "https://www.agency.example/press/n/0"),
        ("/press/", "https://agency.example/press/n/0"),
    ],
)
def test_links_are_relative_to_the_base_of_the_page(base: str, expected: str) -> None:
    assert (
        extraction(listed("n/{}".format), head=f'<base target="_blank"><base href="{base}">').entries[0].url == expected
    )


LANGUAGES = """
長時間作用型注射剤の承認 | 製造販売承認申請の件 | 新工場の竣工について | 月に一度の投与で済みます。 | 令和7年11月20日
长效注射剂获得上市批准 | 公司与合作伙伴签署许可协议 | 新工厂正式投产运营 | 该药物每月给药一次即可。 | 2025年11月20日
장기지속형주사제 품목허가 획득 | 공장 준공식 개최 안내 | 기술이전 계약 공시 | 한 달에 한 번 투여한다 | 2025.11.20
ยาฉีดออกฤทธิ์ยาวได้รับการอนุมัติ | ประกาศเรียกคืนยา | บริษัทเปิดโรงงานใหม่ | ยานี้ฉีดเดือนละครั้งเท่านั้น | 20 พ.ย. 2568
ຢາສັກທີ່ອອກລິດດົນໄດ້ຮັບອະນຸມັດ | ປະກາດຮຽກຄືນຢາທີ່ມີບັນຫາ | ບໍລິສັດເປີດໂຮງງານໃໝ່ | ຢານີ້ສັກເດືອນລະເທື່ອເທົ່ານັ້ນ | 2025-11-20
ថ្នាំចាក់រយៈពេលវែងត្រូវបានអនុម័ត | ការប្រកាសប្រមូលថ្នាំ | ក្រុមហ៊ុនបើករោងចក្រថ្មី | ថ្នាំនេះចាក់មួយខែម្តង | 2025-11-20
ရေရှည်အာနိသင်ရှိသောဆေးအတည်ပြု | ဆေးပြန်လည်သိမ်းဆည်းခြင်း | စက်ရုံအသစ်ဖွင့်လှစ်ခြင်း | ဤဆေးကိုတစ်လတစ်ကြိမ်ထိုးသည် | 2025-11-20
"""


@pytest.mark.parametrize("line", LANGUAGES.strip().splitlines())
def test_entries_in_languages_without_spaces_have_title_text_and_day(line: str) -> None:
    *titles, text, day = line.split(" | ")
    items = "".join(
        f'<li><span class="date">{day}</span><a href="/n/{number}">{title}</a><p>{text}</p></li>'
        for number, title in enumerate(titles)
    )
    entries = extraction(f'<ul class="news">{items}</ul>').entries

    assert [entry.title for entry in entries] == titles
    assert {(entry.content, entry.published) for entry in entries} == {(text, date(2025, 11, 20))}


@pytest.mark.parametrize(
    ("written", "attributes", "language", "expected"),
    [
        ("<span class='date'>10/11/2025</span>", 'lang="fr"', "en", date(2025, 11, 10)),
        ("<span class='date'>10/11/2025</span>", "", "de", date(2025, 11, 10)),
        ("<span class='date'>10/11/2025</span>", 'lang="en-GB"', "en", date(2025, 11, 10)),
        ("<span class='date'>10/11/2025</span>", 'lang="en-US"', "en", None),
        ("<span class='date'>10/11/2025</span>", "", "en", None),
        ("<span class='date'>20.11.25</span>", 'lang="de"', "en", date(2025, 11, 20)),
        ("<span class='date'>20.11.25</span>", "", "en", None),
        ("<span class='date'>20 Nov 25</span>", "", "en", date(2025, 11, 20)),
        ('<time datetime="2025-11-20T07:30:00+09:00">now</time>', "", "en", date(2025, 11, 20)),
        ('<time datetime="Thu, 20 Nov 25 21:30:00 -0500">now</time>', "", "en", date(2025, 11, 20)),
        ('<time datetime="2025-W47-4">now</time>', "", "en", date(2025, 11, 20)),
        ('<time data-timestamp="1763622000">now</time>', "", "en", date(2025, 11, 20)),
        ('<time data-timestamp="1763622000000">now</time>', "", "en", date(2025, 11, 20)),
    ],
)
def test_the_day_is_what_the_page_states_and_never_a_guess(
    written: str, attributes: str, language: str, expected: date | None
) -> None:
    items = "".join(f'<li class="news-item">{written}<a href="/news/{title}">{title}</a></li>' for title in TITLES)
    found = extraction(f'<ul class="news">{items}</ul>', attributes=attributes, language=language)

    assert {entry.published for entry in found.entries} == {expected}


def test_elements_of_a_selector_without_a_title_are_counted() -> None:
    source = Source.model_validate(
        {
            "source_key": "press_corporate__a",
            "source_type": "press_corporate",
            "ingestion_mode": "html",
            "url": PAGE,
            "selectors": {"item": "li.item"},
        }
    )
    body = f"{listed('/n/{}'.format)}<ul><li class='item'><img src='/x.png'></li></ul>"
    found = parse_page(body.encode(), source, PAGE, "utf-8", TODAY)

    assert (len(found.entries), found.dropped, found.found) == (3, {"without_title": 1}, 4)


@pytest.mark.parametrize(
    "written",
    [
        "<span class='date'>20 December 2025</span>",
        "<p>20 December 2025</p>",
        '<time datetime="2025-12-20">in a month</time>',
    ],
)
def test_an_entry_whose_only_date_is_to_come_is_of_that_day(written: str) -> None:
    items = "".join(f'<li class="news-item">{written}<a href="/news/{title}">{title}</a></li>' for title in TITLES)
    found = extraction(f'<ul class="news">{items}</ul>').entries

    assert {entry.published for entry in found} == {date(2025, 12, 20)}


def test_a_coming_event_beside_the_day_of_publication_is_not_the_day() -> None:
    dates = "<span class='date'>20 November 2025</span><p>12 January 2026</p>"
    items = "".join(f'<li class="news-item">{dates}<a href="/news/{title}">{title}</a></li>' for title in TITLES)

    assert {entry.published for entry in extraction(f'<ul class="news">{items}</ul>').entries} == {date(2025, 11, 20)}
