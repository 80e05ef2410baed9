"""Encodings: marks, headers, declarations, plain lies and bad bytes."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.ingest.decoding import DECLARATION_BYTES, decode

KOREAN = "월 1회 투여 제형 임상 3상 승인"
RUSSIAN = "Препарат одобрен регулятором"
SWEDISH = "Läkemedlet får säljas från våren"


def page(head: str, text: str = KOREAN) -> str:
    return f"<!doctype html><html><head>{head}</head><body><p>{text}</p></body></html>"


def feed(label: str, text: str, before: str = "") -> str:
    declaration = f"<?xml version='1.0' encoding='{label}'?>" if label else ""
    return f"{before}{declaration}<rss><channel><title>{text}</title></channel></rss>"


@pytest.mark.parametrize(
    "head",
    [
        "<script src='/menu.js' charset='utf-8'></script>",
        "<script>document.write('<meta charset=\"utf-8\">')</script>",
        "<style>@charset 'utf-8'; /* <meta charset=utf-8> */</style>",
        "<title>How to write <meta charset=utf-8></title>",
        "<!-- <meta charset='utf-8'> -->",
        "<meta name='description' content='charset=utf-8'>",
        "<link rel='x' title='<meta charset=utf-8>'>",
        "<meta charset='no-such-encoding'>",
        f"<style>{'.a{color:red}' * 8000}</style>",
    ],
)
def test_only_a_meta_element_declares_the_encoding_of_a_page(head: str) -> None:
    body = page(f"{head}<meta http-equiv=Content-Type content='text/html; charset=KS_C_5601-1987'>").encode("cp949")

    assert KOREAN in decode(body, None)


def test_a_pragma_that_is_written_without_hyphens_counts() -> None:
    assert KOREAN in decode(
        page("<meta httpequiv='ContentType' content='text/html; charset=euc-kr'>").encode("cp949"), None
    )


def test_a_meta_element_beyond_the_bound_declares_nothing() -> None:
    assert KOREAN not in decode(page(f"{' ' * DECLARATION_BYTES}<meta charset=euc-kr>").encode("cp949"), None)


@pytest.mark.parametrize(
    ("text", "label", "encoding"),
    [
        ("長効性注射剤の承認", "x-sjis", "cp932"),
        ("長効性注射剤の承認", "iso-2022-jp", "iso2022_jp"),
        ("长效注射剂获批上市", "gb2312", "gb18030"),
        ("長效注射劑核准上市", "big5", "big5"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        ("İlaç şimdi değil", "iso-8859-9", "cp1254"),
        ("Lek został dopuszczony: łąkę", "iso-8859-2", "iso-8859-2"),
        ("“Approved” for €", "iso-8859-1", "cp1252"),
        ("“Approved” for €", "us-ascii", "cp1252"),
        (SWEDISH, "utf-16", "utf-8"),
        (KOREAN, "cp949", "cp949"),
        (SWEDISH, "latin-1", "latin-1"),
    ],
)
def test_labels_mean_what_browsers_read_in_pages_and_feeds(text: str, label: str, encoding: str) -> None:
    assert text in decode(page(f"<meta charset=' {label} '>", text).encode(encoding), None)
    assert text in decode(feed(label, text).encode(encoding), None)


@pytest.mark.parametrize(
    ("text", "document", "header", "encoding"),
    [
        (RUSSIAN, "utf-8", "WINDOWS-1251", "cp1251"),
        (KOREAN, "iso-8859-1", "euc-kr", "cp949"),
        (RUSSIAN, "windows-1251", "no-such-encoding", "cp1251"),
        # Headers and declarations that are plainly wrong.
        (RUSSIAN, "windows-1251", "utf-8", "cp1251"),
        (SWEDISH, "utf-8", "iso-8859-1", "utf-8"),
        ("Société", "windows-1252", None, "utf-8"),
        (RUSSIAN, "windows-1251", None, "utf-8"),
        ("长效注射剂获批上市", "utf-8", "gbk", "utf-8"),
        (SWEDISH, "utf-8", "utf-16", "utf-8"),
        (SWEDISH, "utf-8", None, "cp1252"),
        (SWEDISH, "utf-8", "utf-8", "cp1252"),
    ],
)
def test_the_server_precedes_the_document_unless_the_bytes_disprove_it(
    text: str, document: str, header: str | None, encoding: str
) -> None:
    assert text in decode(page(f"<meta charset={document}>", text).encode(encoding), header)
    assert text in decode(feed(document, text).encode(encoding), header)


@pytest.mark.parametrize("header", [None, "iso-8859-1", "utf-8"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF8 * 2, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "utf-32-le"),
        (b"", "utf-32-be"),
    ],
)
def test_a_mark_and_wide_characters_precede_every_declaration(mark: bytes, encoding: str, header: str | None) -> None:
    for text in (page("<meta charset=euc-kr>"), feed("euc-kr", KOREAN), f'{{"title": "{KOREAN}"}}'):
        assert decode(mark + text.encode(encoding), header) == text


@pytest.mark.parametrize("before", ["\n\n ", "<br />\n<b>Warning</b>: late<br />\n", "<!-- encoding='utf-8' -->"])
def test_an_xml_declaration_counts_where_feed_readers_accept_it(before: str) -> None:
    assert RUSSIAN in decode(feed("windows-1251", RUSSIAN, before).encode("cp1251"), None)


def test_html_inside_a_feed_declares_nothing() -> None:
    inner = "<![CDATA[<html><head><meta charset='windows-1252'></head></html>]]>"
    body = feed("", f"{SWEDISH} CUT {inner}").encode().replace(b"CUT", b"\xc3")

    assert f"{SWEDISH} \ufffd " in decode(body, None)


def test_an_xhtml_page_is_read_by_its_xml_declaration() -> None:
    text = (
        f"<?xml version='1.0' encoding='iso-8859-1'?><!DOCTYPE html><html><head><title>{SWEDISH}</title></head></html>"
    )

    assert SWEDISH in decode(text.encode("latin-1"), None)


@pytest.mark.parametrize("text", [SWEDISH, "Plain words"])
@pytest.mark.parametrize("header", [None, "utf-8"])
@pytest.mark.parametrize("cut", [b"\xe2\x80", b"\xc3", b"\xf0\x9f\x98", b"\xff"])
def test_a_bad_byte_costs_one_character_however_often(cut: bytes, header: str | None, text: str) -> None:
    for document in (page("<meta charset=utf-8>", f"{text} CUT " * 12), feed("utf-8", f"{text} CUT " * 12)):
        decoded = decode(document.encode().replace(b"CUT", cut), header)

        assert decoded == document.replace("CUT", "\ufffd")


@pytest.mark.parametrize(("label", "encoding"), [("euc-kr", "cp949"), ("gbk", "gb18030"), ("shift_jis", "cp932")])
def test_a_bad_byte_costs_one_character_in_other_encodings(label: str, encoding: str) -> None:
    body = page("", "承認X").encode(encoding).replace(b"X", b"\x88")

    assert decode(body, label) == page("", "承認\ufffd")


def test_an_undeclared_page_that_is_not_utf8_is_windows_1252() -> None:
    assert SWEDISH in decode(page("", SWEDISH).encode("cp1252"), None)
    assert "étude terminée" in decode(feed("", "Déjà approuvé, étude terminée").encode("latin-1"), None)


@settings(deadline=None)
@given(
    body=st.binary(max_size=200), charset=st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["utf-8", "hex"]))
)
def test_any_bytes_have_a_text(body: bytes, charset: str | None) -> None:
    for document in (body, b"<meta charset=" + body, b"<?xml version='1.0' encoding='" + body):
        assert isinstance(decode(document, charset), str)
