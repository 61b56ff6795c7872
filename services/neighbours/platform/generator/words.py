"""The words and rates a practice is made of. Names come from Faker's lists, sampled directly:
a call to Faker for every row would take hours at a million contacts."""

from dataclasses import dataclass
from itertools import accumulate

from faker.providers.person.en_GB import Provider as British
from faker.providers.person.en_IN import Provider as Indian

PRACTICE_NAME = "Harbour Dental"
PRACTICE_ADDRESS = "12 Narrow Quay, Bristol BS1 4QA"
PRACTICE_PHONE = "+441174960100"
PRACTICE_EMAIL = "hello@harbourdental.example"
PRACTICE_BOOKING = "https://harbourdental.example/book"


@dataclass(frozen=True)
class Weighted:
    """Values with cumulative weights, ready for `random.choices`."""

    values: tuple[str, ...]
    cumulative: tuple[float, ...]

    @classmethod
    def of(cls, weights: dict[str, float]) -> "Weighted":
        return cls(tuple(weights), tuple(accumulate(weights.values())))


@dataclass(frozen=True)
class Names:
    male: tuple[str, ...]
    female: tuple[str, ...]
    last: Weighted


NAMES = (
    Names(
        tuple(British.first_names_male),
        tuple(British.first_names_female),
        Weighted.of(dict(British.last_names)),
    ),
    Names(
        tuple(Indian.first_names_male),
        tuple(Indian.first_names_female),
        Weighted.of(dict.fromkeys(Indian.last_names, 1.0)),
    ),
)
INDIAN_SHARE = 0.07

MAIL_DOMAINS = ("example.com", "example.org", "example.net")
MOBILE = "+447700900"  # Ofcom's range for drama: numbers that ring nowhere
LANDLINE = "+441174960"  # the same for Bristol

DISTRICTS = ("BS1", "BS2", "BS3", "BS4", "BS5", "BS6", "BS7", "BS8", "BS9", "BS14", "BS16")
INWARD = "ABDEFGHJLNPQRSTUWXYZ"

LOCALES = Weighted.of({"en-GB": 0.955, "cy-GB": 0.012, "pl-PL": 0.015, "es-ES": 0.008, "fr-FR": 0.01})
ZONES = Weighted.of({"Europe/London": 0.985, "Europe/Dublin": 0.006, "Europe/Madrid": 0.009})

COMPANIES = (
    "Quayside Orthodontic Laboratory", "Avon Smile Ceramics", "Clifton Family Medical Centre",
    "Bristol City Runners", "Redcliffe Primary School", "Harbourside Fitness", "Temple Gate Pharmacy",
    "Southville Dental Supplies", "Bedminster Community Hub", "Spike Island Studios",
)  # fmt: skip

LEAD_SOURCES = Weighted.of(
    {
        "Google Ads": 24, "Facebook Ads": 13, "Instagram": 12, "Website form": 18, "Referral": 12,
        "Organic search": 11, "Walk-in": 5, "Phone": 5,
    }
)  # fmt: skip
UTM = {
    "Google Ads": ("implants_bristol", "invisible_braces", "emergency_dentist"),
    "Facebook Ads": ("whitening_summer", "smile_makeover"),
    "Instagram": ("whitening_summer", "smile_makeover"),
}

STACKS = Weighted.of(
    {
        "standard": 46, "orthodontics": 16, "whitening": 14, "implants": 12, "cosmetic": 6,
        "emergency": 6,
    }
)  # fmt: skip
STACK_TREATMENTS: dict[str, tuple[tuple[str, int], ...]] = {
    "standard": (("New patient examination", 65), ("Hygiene visit", 75), ("Composite filling", 165)),
    "orthodontics": (("Clear aligners", 3200), ("Fixed braces", 2600)),
    "whitening": (("Home whitening", 349), ("In-practice whitening", 495)),
    "implants": (("Single implant", 2650), ("Implant bridge", 6400)),
    "cosmetic": (("Composite bonding", 1250), ("Porcelain veneers", 4200)),
    "emergency": (("Emergency appointment", 110), ("Root canal treatment", 520)),
}

TREATMENTS = (
    ("Composite filling", 165), ("Crown", 690), ("Root canal treatment", 520), ("Extraction", 180),
    ("Night guard", 320), ("Inlay", 540),
)  # fmt: skip
