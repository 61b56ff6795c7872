"""Which addresses a test may go to, how they are shown, and how many tests there may be. Pure."""

from datetime import timedelta

import phonenumbers
from email_validator import EmailNotValidError, validate_email

WITHIN = timedelta(hours=1)
PER_PERSON, PER_PRACTICE = 30, 100
"""Tests within that time."""


def address_of(channel: str, typed: str, country: str) -> tuple[str, str]:
    """(the address as it is written to, what is wrong with it)."""
    text = typed.strip()
    if channel == "email":
        try:
            return validate_email(text, check_deliverability=False, test_environment=True).normalized, ""
        except EmailNotValidError:
            return "", f"“{text[:80]}” is not an email address."
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return "", f"“{text[:80]}” is not a telephone number."
    if not phonenumbers.is_possible_number(number):
        return "", f"“{text[:80]}” is not a telephone number."
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)), ""


def masked(address: str) -> str:
    """Enough for whoever asked to know which one it was: `ma…@practice.example`, `…0123`."""
    local, at, host = address.partition("@")
    return f"{local[:2]}…@{host}" if at else f"…{address[-4:]}"
