"""newsletter.eml: valid, safe and the same on every run, whatever the names and the news contain."""

from __future__ import annotations

from datetime import date
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.newsletter.letters import issue as letter
from vectora_core.newsletter.issue import Issue
from vectora_core.newsletter.mail import as_eml
from vectora_shared.config.delivery import Delivery

LONGEST_LINE = 998  # RFC 5322, 2.1.1
DELIVERY = Delivery.model_validate(
    {"sender": "LAI News <news@example.org>", "recipients": ("anna@example.org",), "unsubscribe": "stop@example.org"}
)


def issue(name: str = "LAI Intelligence Weekly", language: str = "en") -> Issue:
    return letter(name=name, language=language, day=date(2026, 3, 2))


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


def bodies(content: bytes) -> tuple[str, str]:
    message = parsed(content)
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    return plain.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def test_a_message_has_the_headers_of_a_newsletter() -> None:
    message = parsed(as_eml(issue(), DELIVERY, text="News", html="<p>News</p>"))
    shown = {name: str(value) for name, value in message.items()}
    assert shown.pop("Content-Type").startswith("multipart/alternative")
    assert shown == {
        "From": "LAI News <news@example.org>",
        "Subject": "LAI Intelligence Weekly, 2 March 2026",
        "Date": "Mon, 02 Mar 2026 00:00:00 +0000",
        "Message-ID": "<lai_weekly.20260302@example.org>",
        "List-Id": "<lai_weekly.example.org>",
        "List-Unsubscribe": "<mailto:stop@example.org?subject=unsubscribe%20lai_weekly>",
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "X-Unsent": "1",
        "Content-Language": "en",
        "MIME-Version": "1.0",
    }


@pytest.mark.parametrize(
    ("language", "day"),
    [("fr", "2 mars 2026"), ("sv", "2 mars 2026"), ("en-GB", "2 March 2026"), ("en-XX", "2 March 2026")],
)
def test_the_day_is_in_the_newsletters_language(language: str, day: str) -> None:
    message = parsed(as_eml(issue(language=language), DELIVERY, text="", html=""))
    assert message["Subject"] == f"LAI Intelligence Weekly, {day}"


def test_both_bodies_are_complete_and_unchanged() -> None:
    text = "Long-acting: 5 µg · naïve — 长效\n" + "word " * 1000 + "\n. dot\nFrom here\n"
    html = "<p>" + "x" * 5000 + "</p>\n<p>=_boundary</p>\n"
    assert bodies(as_eml(issue(), DELIVERY, text=text, html=html)) == (text, html)


def test_a_newsletter_without_delivery_is_a_valid_message_that_cannot_be_sent_by_accident() -> None:
    message = parsed(as_eml(issue(), None, text="News", html="News"))
    assert message["From"] == "LAI Intelligence Weekly <lai_weekly@newsletter.invalid>"
    assert "List-Unsubscribe" not in message


def test_a_rerun_gives_the_same_bytes_and_other_news_another_boundary() -> None:
    first, again = (as_eml(issue(), DELIVERY, text="News", html="News") for _ in range(2))
    assert first == again
    other = as_eml(issue(), DELIVERY, text="Other", html="News")
    assert parsed(other).get_boundary() != parsed(first).get_boundary()


def _delivery(name: str, subject: str) -> Delivery | None:
    try:
        return Delivery.model_validate(
            {"sender": f"{name} <news@example.org>", "recipients": ("anna@example.org",), "subject": subject}
        )
    except ValueError:
        return None


HOSTILE = st.one_of(
    st.text(max_size=120),
    st.sampled_from(
        ["A\r\nBcc: x@example.net", 'Läkare, "B" (c); d:', "=?utf-8?q?x?=", "a" * 100, "é" * 100, "\u2028x", "x\\", "@"]
    ),
)


@given(name=HOSTILE, subject=HOSTILE, title=HOSTILE, text=HOSTILE)
@settings(deadline=None)
def test_hostile_names_and_texts_add_no_header_and_no_long_line(name: str, subject: str, title: str, text: str) -> None:
    visible = title.encode("utf-8", "replace").decode() or "x"
    content = as_eml(issue(name=visible), _delivery(name, subject), text=visible, html=visible)
    assert content.isascii()
    assert all(len(line) <= LONGEST_LINE and b"\n" not in line and b"\r" not in line for line in content.split(b"\r\n"))
    head = content.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in head.split(b"\r\n") if b"=?" in line)
    message = parsed(content)
    assert len(message["From"].addresses) == 1
    assert {"To", "Cc", "Bcc"}.isdisjoint(message.keys())
    assert len(message.keys()) == len(set(message.keys()))
    assert "2026" in message["Subject"]


LONG = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 50}.org"


def test_the_longest_names_and_addresses_arrive_unchanged() -> None:
    name, subject = "Läkemedel, " * 9, "长 " * 75
    given_delivery = Delivery.model_validate(
        {"sender": f"{name} <{LONG}>", "recipients": (LONG,), "reply_to": LONG, "subject": subject}
    )
    content = as_eml(issue(), given_delivery, text="News", html="News")
    message = parsed(content)
    # The newer parser leaves spaces between the encoded words of a name, which RFC 2047 (6.2) ignores.
    encoded, sender = parseaddr(message_from_bytes(content)["From"].replace("\r\n", ""))
    assert (str(make_header(decode_header(encoded))), sender) == (name.strip(), LONG)
    assert message["Subject"] == f"{subject.strip()}, 2 March 2026"
    assert f"List-Unsubscribe: <mailto:{LONG}?subject=unsubscribe%20lai_weekly>".encode() in content
    assert f"List-Id: <lai_weekly.{LONG.partition('@')[2]}>".encode() in content


@pytest.mark.parametrize("name", ["=?utf-8?q?x?=", 'A "quoted" name', "Bert; Anna, (both)", "Zoë", "a\\b"])
def test_a_name_is_shown_as_it_was_written(name: str) -> None:
    given_delivery = Delivery.model_validate({"sender": f"{name} <news@example.org>", "recipients": ("a@b.org",)})
    [sender] = parsed(as_eml(issue(), given_delivery, text="", html=""))["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "news@example.org")
