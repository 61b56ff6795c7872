"""Headers, stages, names, addresses and files as people really write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.platform_api import FIELD_LABELS, LEAD_FIELDS, ConfirmImport
from services.kit.errors import Invalid
from services.neighbours.platform.imports import rules
from services.neighbours.platform.imports.addresses import check_email, check_phone
from services.neighbours.platform.imports.leads import LeadReader
from services.neighbours.platform.imports.reading import pack, read_table, unpack

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
CRM = ["Index", "Account Id", "Lead Owner", "First Name", "Last Name", "Company", "Phone 1", "Phone 2",
       "Email 1", "Email 2", "Website", "Source", "Deal Stage", "Notes"]  # fmt: skip


@pytest.mark.covers("AUD-7")
def test_a_crm_export_is_understood_from_its_headers():
    assert rules.guess_mapping(CRM) == {
        "first_name": "First Name", "last_name": "Last Name", "company": "Company",
        "phone": "Phone 1", "phone_2": "Phone 2", "email": "Email 1", "email_2": "Email 2",
        "source_channel": "Source", "stage": "Deal Stage", "source_ref": "Account Id",
    }  # fmt: skip


def test_notes_are_never_mapped():
    assert not any("note" in field for field in LEAD_FIELDS)
    assert set(FIELD_LABELS) == set(LEAD_FIELDS)


@given(st.lists(st.text(max_size=20), max_size=12))
def test_a_guess_uses_each_column_once_and_only_columns_there_are(headers: list[str]):
    guessed = list(rules.guess_mapping(headers).values())
    assert len(guessed) == len(set(guessed))
    assert set(guessed) <= set(headers)


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"email": "Email 1"}, "holds the name"),
        ({"first_name": "First Name"}, "email address or the phone"),
        ({"first_name": "First Name", "email": "Mail"}, "no column “Mail”"),
        ({"first_name": "First Name", "last_name": "First Name", "email": "Email 1"}, "used twice"),
    ],
)
def test_a_mapping_that_cannot_work_says_why(mapping: dict, sentence: str):
    assert sentence in " ".join(rules.mapping_problems(mapping, CRM))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Closed Won", ("won", "won")), ("closed-lost", ("lost", "lost")), ("On Hold", ("on_hold", "deferred")),
        ("Re-engagement", ("re_engagement", "open")), ("Disqualified", ("disqualified", "withdrawn")),
        ("Something else", None),
    ],
)  # fmt: skip
def test_deal_stages(text: str, expected: tuple[str, str] | None):
    assert rules.stage_of(text) == expected


def test_names():
    assert rules.split_name("Byron, Ada") == ("Ada", "Byron")
    assert rules.split_name("Ada King Lovelace") == ("Ada", "King Lovelace")
    assert rules.without_digits("Maynard46") == "Maynard"


@pytest.mark.parametrize(
    ("text", "region", "value", "note"),
    [
        ("0117 496 0123", "GB", "+441174960123", ""),
        ("(240)452-2332x4601", "US", "+12404522332", "The extension 4601 was left out."),
        ("0044 117 496 0123", "US", "+441174960123", ""),
    ],
)
def test_phones_become_international(text: str, region: str, value: str, note: str):
    found = check_phone(text, region)
    assert (found.value, found.note, found.problem) == (value, note, "")


def test_wrong_addresses_say_what_is_wrong():
    assert "not a phone number" in check_phone("12", "GB").problem
    assert "not an email address" in check_email("ada@").problem
    assert check_email(" Ada@Example.COM ").value == "Ada@example.com"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_files_of_any_encoding_and_delimiter(encoding: str, delimiter: str):
    lines = [("First Name", "Last Name", "Email"), ("Zoë", "Brontë", "zoe@example.com"),
             ("Seán", "O'Neill", "sean@example.com"), ("André", "Müller", "andre@example.com")]  # fmt: skip
    table = read_table("\r\n".join(delimiter.join(line) for line in lines).encode(encoding))
    assert table.headers == list(lines[0])
    assert [tuple(row) for row in table.rows] == lines[1:]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"), (b"Email\n", "no rows"), (b"PK\x03\x04 spreadsheet", "CSV"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file"),
    ],
)  # fmt: skip
def test_what_is_not_a_table_is_refused(content: bytes, sentence: str):
    with pytest.raises(Invalid, match=sentence):
        read_table(content)


def test_repeated_headers_stay_apart():
    assert read_table(b"Email,Email,\na,b,c\n").headers == ["Email", "Email (2)", "Column 3"]


def test_packing_is_repeatable():
    files = [("b.csv", b"2"), ("a.csv", b"1")]
    assert pack(files) == pack(files[::-1])
    assert unpack(pack(files)) == {"a.csv": b"1", "b.csv": b"2"}


@pytest.mark.covers("AUD-7")
def test_rows_are_refused_kept_or_mended_each_with_its_reason():
    confirm = ConfirmImport.model_validate(
        {"mapping": {"first_name": "F", "email": "E", "email_2": "E2", "phone": "P", "stage": "S", "consent": "C"},
         "consent": {"channels": ["email"], "method": "web form", "date": "2026-05-01", "evidence": "form 12"}}
    )  # fmt: skip
    records = [
        {"F": "Ada", "E": "ada@example.com", "E2": "", "P": "12", "S": "New Lead", "C": "yes"},
        {"F": "Bob", "E": "broken", "E2": "bob@example.com", "P": "0117 496 0001 x7", "S": "Odd", "C": "no"},
        {"F": "Cid", "E": "nope", "E2": "", "P": "", "S": "", "C": ""},
        {"F": "", "E": "dee@example.com", "E2": "", "P": "", "S": "", "C": ""},
        {"F": "Again", "E": "ADA@example.com", "E2": "", "P": "", "S": "", "C": "perhaps"},
    ]
    reading = LeadReader(confirm, "f.csv", NOW).read(records)
    assert [lead.columns["first_name"] for lead in reading.leads] == ["Ada", "Bob"]
    assert [lead.granted for lead in reading.leads] == [["email"], []]
    assert (reading.errors, reading.duplicates, reading.warned_rows) == (2, 1, 2)
    assert reading.leads[1].columns["email"] == "bob@example.com"
    assert reading.leads[1].opportunity["stage"] == "odd"
    found = {key: p.severity for key, p in reading.problems.items()}
    assert found == {
        (1, "phone"): "warning", (2, "email"): "warning", (2, "phone"): "note", (2, "stage"): "warning",
        (3, "email"): "warning", (3, "row"): "error", (4, "name"): "error", (5, "email"): "error",
        (5, "consent"): "warning",
    }  # fmt: skip
