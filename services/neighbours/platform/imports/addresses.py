"""Email addresses and phone numbers as people type them, made usable or refused with a reason."""

import re
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email


@dataclass(frozen=True, slots=True)
class Checked:
    """`value` is usable or None; `problem` says what is wrong, `note` what was changed."""

    value: str | None = None
    problem: str = ""
    note: str = ""


def check_email(text: str) -> Checked:
    """Syntax only, no look-up: a mail server may be down, an address is not wrong for that."""
    text = text.strip()
    if not text:
        return Checked()
    try:
        return Checked(validate_email(text, check_deliverability=False).normalized)
    except EmailNotValidError as error:
        return Checked(problem=f"“{text}” is not an email address: {error}")


def check_phone(text: str, region: str) -> Checked:
    """E.164 without the extension. `region` is where numbers without a country code belong."""
    text = text.strip()
    if not text:
        return Checked()
    dialled = re.sub(r"^\(?00", "+", text)  # 00 is how most of the world writes +
    try:
        number = phonenumbers.parse(dialled, region)
    except phonenumbers.NumberParseException:
        return Checked(problem=f"“{text}” is not a phone number.")
    if not phonenumbers.is_valid_number(number):
        return Checked(problem=f"“{text}” is not a phone number that exists in its country.")
    note = f"The extension {number.extension} was left out." if number.extension else ""
    return Checked(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), note=note)
