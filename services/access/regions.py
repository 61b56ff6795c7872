"""Whose public holidays a practice can keep: countries and their parts, as `holidays` knows them (D23)."""

from datetime import date
from functools import lru_cache

import holidays
from babel import Locale


def known_region(code: str) -> str:
    """A code of ISO 3166, “GB” or “GB-ENG”, in capitals; empty for none. Raises ValueError."""
    code = code.strip().upper()
    country, _, part = code.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if code and (country not in known or (part and part not in known[country])):
        raise ValueError(f"The public holidays of “{code}” are not known. Choose a country from the list.")
    return code


@lru_cache(maxsize=1)
def countries() -> list[tuple[str, str]]:
    """(code, English name), by name."""
    names = Locale("en", "GB").territories
    known = holidays.list_supported_countries(include_aliases=False)
    return sorted(((code, names.get(code, code)) for code in known), key=lambda pair: pair[1])


@lru_cache(maxsize=64)
def parts(country: str) -> list[tuple[str, str]]:
    """A country's parts that have holidays of their own: (code, name), by name."""
    known = holidays.list_supported_countries(include_aliases=False).get(country, ())
    aliases = getattr(holidays.country_holidays(country), "subdivisions_aliases", {}) if known else {}
    names = {code: name for name, code in reversed(list(aliases.items()))}
    return sorted(((code, names.get(code, code)) for code in known), key=lambda pair: pair[1])


def public_holidays(region: str, years: range) -> dict[date, str]:
    """The public holidays of a region in these years, in English where they have an English name."""
    if not region:
        return {}
    country, _, part = region.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=years)
    english = [one for one in found.supported_languages if one.startswith("en")]
    if english:
        found = holidays.country_holidays(country, subdiv=part or None, years=years, language=english[0])
    return dict(sorted(found.items()))
