"""Readers get the article's own address, whole, without trackers and redirect services."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.text.addresses import resolved_link
from vectora_core.text.tracked_links import untracked, untracked_text

ARTICLE = "https://paper.example/articles/depot?id=7"
QUOTED = quote(ARTICLE, safe="")


TRACKERS = """
utm_source=rss UTM_Campaign=x mtm_group=a gclid=1 wbraid=1 srsltid=a twclid=1 fbclid=1 mc_eid=1 _hsenc=p2 __hstc=1
hsa_cam=1 itm_medium=x _bhlid=1 feedref=Jj af=R xtor=RSS-1 WT.mc_id=1 ns_campaign=x at_medium=rss dgcid=rss_sd_all
cmpid=rss amp;utm_medium=feed ref=rss ref=producthunt.com source=rss-----ab12---4 from=newsletter via=twitter via=
rss=yes src=feed utm%5Fsource=rss mod=rss_markets partner=rss CMP=share_btn_tw cid=rss
"""
IDENTITIES = """
id=1 p=123 ref=2025-114 source=4711 cid=12345 sid=9 mid=77 from=2025-01-01 feed=12 query=depot news_id=5&lang=sv
ref=AB/12 share=4 rss=depot origin=se guid=a a;b=c adid=5 track=7 code=x&error=y f=22 campaign=2025 dist=3
reference=1 utmost=1 s=1&t=2
"""
FRAGMENTS = ["xtor=RSS-1", "utm_source=rss&utm_medium=feed", "?utm_source=rss", ":~:text=depot"]


@pytest.mark.parametrize("tracker", TRACKERS.split())
def test_a_tracker_is_removed_and_nothing_else(tracker: str) -> None:
    assert untracked(f"https://paper.example/a?id=1&{tracker}&b=%20c&d") == "https://paper.example/a?id=1&b=%20c&d"
    assert untracked(f"https://paper.example/a?{tracker}#u1") == "https://paper.example/a#u1"


@pytest.mark.parametrize("query", IDENTITIES.split())
def test_what_may_identify_the_article_stays_as_it_is_written(query: str) -> None:
    assert untracked(f"https://agency.example/notice?{query}") == f"https://agency.example/notice?{query}"


def test_parameters_of_one_site_are_removed_on_that_site_only() -> None:
    assert untracked("https://www.globenewswire.com/a.html?f=22&fvtc=4") == "https://www.globenewswire.com/a.html"
    assert untracked("https://globenewswire.com.example/a?f=22") == "https://globenewswire.com.example/a?f=22"


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_trackers_in_a_fragment_are_removed(fragment: str) -> None:
    assert untracked(f"https://paper.example/a#{fragment}") == "https://paper.example/a"


@pytest.mark.parametrize("fragment", ["u1", "!/news/1", "/news/1", "page=2", "!/news?id=1", "section-a:b"])
def test_a_fragment_that_names_a_place_stays(fragment: str) -> None:
    assert untracked(f"https://paper.example/a#{fragment}") == f"https://paper.example/a#{fragment}"


def test_trackers_behind_a_route_in_the_fragment_are_removed() -> None:
    assert untracked("https://x.example/#!/news/1?utm_source=rss&id=2") == "https://x.example/#!/news/1?id=2"


def _base64(text: str) -> str:
    return urlsafe_b64encode(text.encode("utf-8")).decode("ascii").rstrip("=")


@pytest.mark.parametrize(
    "wrapper",
    [
        f"https://www.google.com/url?rct=j&sa=t&url={QUOTED}&ct=ga&usg=x",
        f"https://www.google.co.uk/url?q={QUOTED}",
        f"https://www.google.com/amp/s/{ARTICLE.removeprefix('https://')}",
        f"https://news.google.com/rss/articles/{_base64(chr(8) + chr(19) + chr(34) + chr(43) + ARTICLE)}?oc=5",
        f"https://www.bing.com/news/apiclick.aspx?ref=FexRss&url={QUOTED}&c=1",
        f"https://www.bing.com/ck/a?!&&p=ab&u=a1{_base64(ARTICLE)}&ntb=1",
        f"https://l.facebook.com/l.php?u={QUOTED}&h=A",
        f"https://l.instagram.com/?u={QUOTED}&e=A",
        f"https://eur01.safelinks.protection.outlook.com/?url={QUOTED}&data=05",
        f"https://t.umblr.com/redirect?z={QUOTED}&t=x",
        f"https://duckduckgo.com/l/?uddg={QUOTED}&rut=x",
        f"https://r.search.yahoo.com/_ylt=A/RV=2/RE=1/RO=10/RU={QUOTED}/RK=2/RS=x",
        f"https://urldefense.proofpoint.com/v1/url?u={QUOTED}&k=x",
        "https://urldefense.proofpoint.com/v2/url?u=https-3A__paper.example_articles_depot-3Fid-3D7&d=DwM&c=x",
        f"https://urldefense.com/v3/__{ARTICLE}__;!!Ab!cd$",
        "https://urldefense.us/v3/__https:/paper.example/articles/depot*id=7__;Pw!!Ab!cd$",
        f"https://secure-web.cisco.com/1aB/{QUOTED}",
        f"https://linkprotect.cudasvc.com/url?a={QUOTED}&c=E",
        f"https://www.linkedin.com/redir/redirect?url={QUOTED}&urlhash=x",
        f"https://medium.com/r/?url={QUOTED}",
        f"https://www.youtube.com/redirect?event=v&q={QUOTED}",
        f"https://out.reddit.com/t3_a?url={QUOTED}&token=x",
        f"https://slack-redir.net/link?url={QUOTED}",
        f"https://c212.net/c/link/?t=0&l=en&u={QUOTED}&a=x",
        f"https://cts.businesswire.com/ct/CT?id=smartlink&url={QUOTED}&esheet=1",
        f"https://vk.com/away.php?to={QUOTED}",
        f"https://scholar.google.com/scholar_url?url={QUOTED}&hl=en&sa=X",
        f"https://paper-example.cdn.ampproject.org/c/s/{ARTICLE.removeprefix('https://')}",
        f"https://go.theregister.com/feed/{ARTICLE.removeprefix('https://')}",
        f"https://rss.sciencedirect.com/action/redirectFile?zone=main&url={QUOTED}",
        f"https://www.researchgate.net/deref/{QUOTED}",
        f"https://link.zhihu.com/?target={QUOTED}",
        f"https://href.li/?{ARTICLE}",
        f"https://www.google.com/url?url={quote(QUOTED)}",
    ],
)
def test_a_redirect_service_is_replaced_by_the_address_that_it_leads_to(wrapper: str) -> None:
    assert untracked(wrapper) == ARTICLE


def test_wrappers_of_wrappers_are_opened_and_trackers_inside_removed() -> None:
    inner = f"https://www.google.com/url?url={quote(ARTICLE + '&utm_source=rss', safe='')}"
    assert untracked(f"https://eur01.safelinks.protection.outlook.com/?url={quote(inner, safe='')}") == ARTICLE


def test_unwrapping_ends() -> None:
    url = "https://paper.example/a"
    for _ in range(30):
        url = f"https://href.li/?{url}"
    assert untracked(url).count("href.li") == 25


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "/relative", "", "ftp://x.example/a", "https://", "data:text/html,x", "paper.example"],
)
def test_only_a_web_address_is_taken_out_of_a_redirect(target: str) -> None:
    wrapper = f"https://www.google.com/url?url={quote(target, safe='')}"
    assert untracked(wrapper) == wrapper


def test_a_redirect_to_a_private_network_is_no_link() -> None:
    assert resolved_link("https://x.example/", "https://www.google.com/url?url=http%3A%2F%2F169.254.169.254%2F") is None


def test_addresses_in_a_text_are_cleaned_and_the_text_around_them_kept() -> None:
    text = "See https://paper.example/a?utm_source=rss&id=1, or (https://x.example/b?fbclid=1). 100 % sure?"
    assert untracked_text(text) == "See https://paper.example/a?id=1, or (https://x.example/b). 100 % sure?"


PARTS = st.sampled_from(
    ["utm_source=rss", "id=1", "ref=a", "ref=rss", "a", "%zz=1", "=", "&", "#u1", "?", "é=1", "x;y"]
)


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(PARTS, max_size=8))
def test_an_address_without_trackers_does_not_change_any_more(parts: list[str]) -> None:
    cleaned = untracked(f"https://paper.example/a?{'&'.join(parts)}")
    assert untracked(cleaned) == cleaned
    assert "utm_" not in cleaned.partition("#")[0]


@settings(deadline=None, max_examples=300)
@given(text=st.text(max_size=60))
def test_any_text_is_cleaned_without_an_error(text: str) -> None:
    for start in ("", "https://x.example/?", "https://www.google.com/url?url=", "https://urldefense.com/v3/__"):
        url = f"{start}{text}__;x!"
        untracked(url)
        untracked_text(url)
