"""What columns and values of an imported file mean (pure; AUD-7)."""

import re

from services.contracts.platform_api import LEAD_FIELDS, LeadField

_SYNONYMS: dict[LeadField, tuple[str, ...]] = {
    "first_name": ("firstname", "forename", "givenname", "fname", "christianname"),
    "last_name": ("lastname", "surname", "familyname", "lname"),
    "full_name": ("name", "fullname", "contactname", "leadname", "contact", "patientname"),
    "email": ("email", "email1", "emailaddress", "mail", "primaryemail", "workemail", "emailaddress1"),
    "email_2": ("email2", "secondaryemail", "otheremail", "emailaddress2", "alternateemail"),
    "phone": (
        "phone", "phone1", "mobile", "mobilephone", "telephone", "tel", "phonenumber", "cell", "cellphone",
        "mobilenumber", "primaryphone", "contactnumber",
    ),
    "phone_2": ("phone2", "secondaryphone", "otherphone", "homephone", "workphone", "landline"),
    "company": ("company", "organisation", "organization", "employer", "companyname", "account"),
    "postcode": ("postcode", "zip", "zipcode", "postalcode"),
    "date_of_birth": ("dateofbirth", "dob", "birthdate", "birthday"),
    "source_channel": ("source", "leadsource", "channel", "origin", "utmsource", "sourcechannel"),
    "source_ref": ("accountid", "leadid", "externalid", "recordid", "crmid", "id", "reference", "contactid"),
    "utm_campaign": ("utmcampaign", "campaign", "campaignname"),
    "utm_content": ("utmcontent", "adname", "creative"),
    "stage": ("dealstage", "stage", "leadstatus", "status", "pipelinestage", "leadstage"),
    "stack": ("stack", "pipeline", "pipelinename", "funnel"),
    "treatment": ("treatment", "service", "interest", "interestedin", "product"),
    "value": ("value", "dealvalue", "amount", "dealamount", "opportunityvalue"),
    "first_touch_at": ("firsttouch", "firsttouchat", "firstcontact", "created", "createdat", "createdate", "datecreated", "enquirydate"),
    "consent": ("consent", "marketingconsent", "optin", "marketingoptin", "gdprconsent", "subscribed"),
    "consent_email": ("emailconsent", "consentemail", "emailoptin"),
    "consent_sms": ("smsconsent", "consentsms", "smsoptin", "textconsent"),
    "consent_whatsapp": ("whatsappconsent", "consentwhatsapp", "whatsappoptin"),
}  # fmt: skip

_STAGES: dict[str, tuple[str, str]] = {
    "new": ("new", "open"), "newlead": ("new", "open"), "lead": ("new", "open"), "open": ("new", "open"),
    "contacted": ("contacted", "open"), "attempted": ("contacted", "open"),
    "qualified": ("qualified", "open"), "reengagement": ("re_engagement", "open"),
    "consultationbooked": ("consultation_booked", "open"), "proposalsent": ("proposal_sent", "open"),
    "proposal": ("proposal_sent", "open"), "negotiation": ("negotiation", "open"),
    "onhold": ("on_hold", "deferred"), "deferred": ("on_hold", "deferred"),
    "closedwon": ("won", "won"), "won": ("won", "won"), "converted": ("won", "won"),
    "closedlost": ("lost", "lost"), "lost": ("lost", "lost"),
    "disqualified": ("disqualified", "withdrawn"), "unqualified": ("disqualified", "withdrawn"),
    "withdrawn": ("disqualified", "withdrawn"),
}  # fmt: skip

_YES = {"yes", "y", "true", "t", "1", "x", "granted", "optedin", "subscribed", "consented", "on"}
_NO = {"", "no", "n", "false", "f", "0", "revoked", "optedout", "unsubscribed", "off", "none", "na"}


def squash(text: str) -> str:
    """Lower-case letters and digits only: how headers and stages are compared."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def guess_mapping(headers: list[str]) -> dict[LeadField, str]:
    """The most likely column of each field. A column is used once; the earliest synonym wins."""
    by_key: dict[str, str] = {}
    for header in headers:
        by_key.setdefault(squash(header), header)
    mapping: dict[LeadField, str] = {}
    taken: set[str] = set()
    for field in LEAD_FIELDS:
        for key in (squash(field), *_SYNONYMS[field]):
            if key in by_key and by_key[key] not in taken:
                mapping[field] = by_key[key]
                taken.add(by_key[key])
                break
    if "first_name" in mapping or "last_name" in mapping:
        mapping.pop("full_name", None)
    return mapping


def mapping_problems(mapping: dict[LeadField, str], headers: list[str]) -> list[str]:
    """Why a mapping cannot be imported, one sentence each; empty when it can."""
    problems = [
        f"There is no column “{column}” in this file." for column in mapping.values() if column not in headers
    ]
    doubled = {c for c in mapping.values() if list(mapping.values()).count(c) > 1}
    problems += [f"The column “{column}” is used twice; choose one meaning." for column in sorted(doubled)]
    if not {"email", "email_2", "phone", "phone_2"} & mapping.keys():
        problems.append("Choose the column that holds the email address or the phone number.")
    if not {"first_name", "last_name", "full_name"} & mapping.keys():
        problems.append("Choose the column that holds the name.")
    return problems


def split_name(full: str) -> tuple[str, str]:
    """First and last name of a full one; “Last, First” is understood."""
    last, comma, first = full.partition(",")
    if comma:
        return first.strip(), last.strip()
    first, _, last = full.strip().partition(" ")
    return first, last.strip()


def stage_of(text: str) -> tuple[str, str] | None:
    """Pipeline stage and outcome of a CRM's deal stage; None when it has no known meaning."""
    return _STAGES.get(squash(text))


def stack_of(text: str) -> str:
    """A pipeline's name as a stack: lower case with underscores; `standard` when empty."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "standard"


def said_yes(text: str) -> bool | None:
    """Whether a consent cell says yes; None when it cannot be told, which counts as no."""
    key = squash(text)
    return True if key in _YES else False if key in _NO else None


def without_digits(name: str) -> str:
    """Synthea numbers its names (`Maynard46`); people have none."""
    return re.sub(r"\d+", "", name).strip()
