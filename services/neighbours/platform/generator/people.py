"""Households and the people in them: leads, patients, partners (pure; draws from a seeded chance)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.kit.chance import Chance, hex_id
from services.neighbours.platform.generator import words

DAY = 86_400
HOUSEHOLD_SIZES = ((1, 2, 3, 4, 5), (45, 73, 86, 97, 100))
MEAN_HOUSEHOLD = 1.99  # of HOUSEHOLD_SIZES
KINDS = ("patient", "lead", "partner")
KIND_WEIGHTS = (0.72 / MEAN_HOUSEHOLD, 0.25, 0.03)  # a household; gives 72 / 25 / 3 % of people
AGE_BANDS = ((18, 27), (28, 39), (40, 54), (55, 69), (70, 92))
AGE_WEIGHTS = (13, 25, 27, 22, 13)

CONTACT_COLUMNS = (
    "contact_id", "kind", "first_name", "last_name", "date_of_birth", "gender", "email", "phone",
    "whatsapp_verified", "app_user", "locale", "timezone", "household_id", "postcode", "company",
    "lead_status", "source_system", "source_list", "source_ref", "source_channel", "utm_campaign",
    "identity_hash", "first_touch_at", "registered_at", "do_not_contact", "deceased",
)  # fmt: skip


@dataclass(slots=True)
class Person:
    """What later tables need to know; times are Unix seconds."""

    contact_id: str
    kind: str
    age: int
    registered: int
    first_name: str = ""
    last_name: str = ""
    gender: str = ""
    born: str | None = None
    email: str | None = None
    phone: str | None = None
    whatsapp: bool = False
    app_user: bool = False
    locale: str = "en-GB"
    timezone: str = "Europe/London"
    household: str | None = None
    postcode: str = ""
    company: str = ""
    lead_status: str = ""
    source_channel: str = ""
    source_ref: str = ""
    utm_campaign: str = ""
    do_not_contact: bool = False
    deceased: bool = False

    @property
    def adult(self) -> bool:
        return self.age >= 18

    def row(self) -> tuple[str | None, ...]:
        """The columns of CONTACT_COLUMNS as PostgreSQL's text format wants them."""
        email = self.email
        lead = self.kind == "lead"
        return (
            self.contact_id, self.kind, self.first_name, self.last_name, self.born, self.gender,
            email, self.phone, flag(self.whatsapp), flag(self.app_user), self.locale, self.timezone,
            self.household, self.postcode, self.company, self.lead_status,
            "practice_platform", "Website and phone" if lead else "", self.source_ref,
            self.source_channel, self.utm_campaign,
            hashlib.sha256(email.encode()).hexdigest()[:16] if email else "",
            stamp(self.registered) if lead else None, stamp(self.registered),
            flag(self.do_not_contact), flag(self.deceased),
        )  # fmt: skip


def flag(value: bool) -> str:
    return "t" if value else "f"


def stamp(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def people(chance: Chance, count: int, first_number: int, now: int) -> Iterator[Person]:
    """`count` people in households, oldest facts before `now` (Unix seconds).

    `first_number` numbers them within the practice, which keeps their email addresses apart.
    """
    made = 0
    while made < count:
        (kind,) = chance.choices(KINDS, KIND_WEIGHTS)
        size = 1
        if kind == "patient":
            (size,) = chance.choices(HOUSEHOLD_SIZES[0], cum_weights=HOUSEHOLD_SIZES[1])
        size = min(size, count - made)
        yield from _household(chance, kind, size, first_number + made, now)
        made += size


def _household(chance: Chance, kind: str, size: int, number: int, now: int) -> list[Person]:
    names = words.NAMES[chance.random() < words.INDIAN_SHARE]
    last = chance.choices(names.last.values, cum_weights=names.last.cumulative)[0]
    registered = _registered(chance, kind, now)
    household = hex_id(chance, registered) if size > 1 else None
    postcode = _postcode(chance)
    (locale,) = chance.choices(words.LOCALES.values, cum_weights=words.LOCALES.cumulative)
    members: list[Person] = []
    for place in range(size):
        ages = (2, 17) if place > 1 else chance.choices(AGE_BANDS, AGE_WEIGHTS)[0]
        age = chance.randint(*ages)
        joined = min(now - DAY, registered + chance.randint(0, 90) * DAY) if place else registered
        person = Person(hex_id(chance, joined), kind, age, joined)
        person.gender = "female" if chance.random() < 0.51 else "male"
        person.first_name = chance.choice(names.female if person.gender == "female" else names.male)
        person.last_name = last
        if place == 1 and chance.random() < 0.3:
            person.last_name = chance.choices(names.last.values, cum_weights=names.last.cumulative)[0]
        person.born = date.fromordinal(
            date(1970, 1, 1).toordinal() + now // DAY - age * 365 - age // 4 - chance.randint(1, 364)
        ).isoformat()
        person.locale, person.household, person.postcode = locale, household, postcode
        (person.timezone,) = chance.choices(words.ZONES.values, cum_weights=words.ZONES.cumulative)
        _addresses(chance, person, members, number + place)
        person.do_not_contact = chance.random() < 0.008
        person.deceased = kind == "patient" and chance.random() < (0.02 if age > 75 else 0.001)
        _origin(chance, person)
        members.append(person)
    return members


def _registered(chance: Chance, kind: str, now: int) -> int:
    """Leads are recent; patients came over twelve years; to the minute."""
    share = chance.random()
    span = 540 * share**1.6 if kind == "lead" else 4_380 * share
    return (now - int((span + 0.2) * DAY)) // 60 * 60


def _postcode(chance: Chance) -> str:
    inward = f"{chance.randint(1, 9)}{chance.choice(words.INWARD)}{chance.choice(words.INWARD)}"
    return f"{chance.choice(words.DISTRICTS)} {inward}"


EMAIL_RATE = {"patient": 0.88, "lead": 0.96, "partner": 1.0}


def _addresses(chance: Chance, person: Person, before: list[Person], number: int) -> None:
    """Email, phone, app. Children use a parent's; some couples share one."""
    if before and not person.adult:
        person.email = before[0].email if chance.random() < 0.4 else None
        person.phone = before[0].phone if chance.random() < 0.8 else None
        return
    if before and chance.random() < 0.12:
        person.email = before[0].email
    elif chance.random() < EMAIL_RATE[person.kind]:
        name = f"{person.first_name}.{person.last_name}".lower().replace(" ", "").replace("'", "")
        person.email = f"{name}.{number}@{chance.choice(words.MAIL_DOMAINS)}"
    if before and chance.random() < 0.1:
        person.phone = before[0].phone
    elif chance.random() < 0.92:
        mobile = chance.random() < 0.86
        person.phone = f"{words.MOBILE if mobile else words.LANDLINE}{chance.randint(0, 999):03d}"
        person.whatsapp = mobile and chance.random() < 0.35
    if person.kind == "patient":
        person.app_user = chance.random() < (0.5 if person.age < 70 else 0.2)


def _origin(chance: Chance, person: Person) -> None:
    if person.kind == "partner":
        person.company = chance.choice(words.COMPANIES)
        return
    if person.kind == "lead" or chance.random() < 0.3:
        (person.source_channel,) = chance.choices(
            words.LEAD_SOURCES.values, cum_weights=words.LEAD_SOURCES.cumulative
        )
        if campaigns := words.UTM.get(person.source_channel):
            person.utm_campaign = chance.choice(campaigns)
    if person.kind == "lead":
        person.source_ref = f"HD-{chance.randint(100_000, 999_999)}"
