"""What is said about a finished message: lengths, letters, links, colours, pictures (CNT-4)."""

import pytest

from services.content.contracts import Preview
from services.content.contrast import INK, PAPER, colour, legible, ratio
from services.content.links import links_of
from services.content.preview import email_page
from services.content.reading import read_over

pytestmark = pytest.mark.covers("CNT-4")


def test_the_ratio_is_wcags():
    assert round(ratio((0, 0, 0), (255, 255, 255)), 2) == 21
    assert round(ratio((119, 119, 119), PAPER), 2) == 4.48  # #777: the usual example that just fails
    assert round(ratio((118, 118, 118), PAPER), 2) == 4.54
    assert ratio(INK, PAPER) == ratio(PAPER, INK) > 7


@pytest.mark.parametrize(
    ("text", "rgb"),
    [("#0b6", (0, 187, 102)), ("#0B6E6E", (11, 110, 110)), ("rgb(1, 2, 300)", (1, 2, 255)), ("Teal", (0, 128, 128)), ("var(--x)", None), ("#12", None)],
)  # fmt: skip
def test_colours_are_read(text: str, rgb: tuple[int, int, int] | None):
    assert colour(text) == rgb


def test_faint_words_are_found_where_they_stand():
    markup = (
        '<p style="color:#777">Grey</p><p style="color:#777;font-size:24px">Big grey</p><b style="color:#777;font-size:19px">Bold grey</b>'
        '<table><tr><td bgcolor="#123a40">Dark on dark <a href="https://x.example" style="color:#fff">Book</a></td></tr></table><p>Fine</p>'
    )
    assert [(f.words, f.needed) for f in legible(markup).faint] == [("Grey", 4.5), ("Dark on dark", 4.5)]
    assert legible('<p>Fine<br>too</p><img src="a.png" alt=""><img src="b.png">').bare_pictures == ("b.png",)


def test_links_are_judged_without_asking_anybody():
    markup = "".join(
        f'<a href="{url}">{words}</a>'
        for url, words in [
            ("https://www.harbour.example/book", "Book"), ("http://harbour.example", "Plain"), ("https://bit.ly/x", "Short"),
            ("https://203.0.113.9/", "Number"), ("https://harbour.example:8443/", "Port"), ("https://a:b@harbour.example/", "User"),
            ("javascript:go()", "Script"), ("https://other.example/", "Elsewhere"), ("mailto:a@harbour.example", "Mail"),
            ("https://harbour.example/empty", " "), ("https://each.example/u/1", "Unsubscribe"), ("https://intranet/", "Inside"),
        ]
    )  # fmt: skip
    found = links_of(markup, own_hosts=["harbour.example"], each_persons=["https://each.example/u/1"])
    assert [(one.words, one.judged) for one in found] == [
        ("Book", "ok"), ("Plain", "wrong"), ("Short", "wrong"), ("Number", "wrong"), ("Port", "wrong"), ("User", "wrong"),
        ("Script", "wrong"), ("Elsewhere", "note"), ("Mail", "ok"), ("", "wrong"), ("Inside", "wrong"),
    ]  # fmt: skip
    assert all(one.sentence.endswith(".") for one in found if one.judged != "ok")
    assert links_of('<a href="https://x.example"><img alt="Our team"></a>')[0].words == "Our team"


def test_each_channel_is_read_over():
    def notes(**shown: object) -> dict[str, str]:
        return {n.about: n.tone for n in read_over(Preview.model_validate(shown)).notes}

    assert notes(channel="sms", body="Witaj, Łucjo") == {"Length": "ok", "Letters": "warn"}
    assert notes(channel="sms", body="a" * 161) == {"Length": "warn", "Letters": "ok"}
    assert notes(channel="whatsapp", body="a" * 1601) == {"Length": "danger"}
    assert notes(channel="in_app", subject="x" * 70, body="y") == {"Title": "warn"}
    assert notes(channel="email", subject="Hello", preheader="", body="Hello [here](http://x.example/)") == {
        "Subject": "ok", "Preview line": "warn", "Colours": "ok", "Link": "danger",
    }  # fmt: skip
    assert notes(channel="email", problem="It asks for too much.") == {"Words": "danger"}
    assert "“Ł”" in read_over(Preview(channel="sms", body="Ł")).notes[1].sentence


def test_the_page_of_an_email_can_be_dark_and_from_the_right():
    page = email_page("Hello <b>you</b>", sender="A & B", dark=True, language="ar")
    assert 'dir="rtl"' in page
    assert "invert" in page
    assert "A &amp; B" in page
    assert "invert" not in email_page("Hello")
    assert email_page("  ") == ""
