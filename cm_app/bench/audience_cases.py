"""Twelve segments a practice asks for, each as a rule and as SQL written by hand for it (AUD-8).

The hand-written statements are what a careful author would write for that one question; they are
the limit the compiler is measured against, and they must find the same number of people.
`:d7` … `:d365` are practice-local midnights so many days ago, `:tomorrow` the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.contracts.segment import Audience, Condition, Did, Group, Rule

LIVE = "c.merged_into IS NULL AND NOT c.deceased AND c.practice_id = :practice"
BOTH = "c.kind IN ('lead', 'patient')"
VISIT = "canonical.appointment a WHERE a.practice_id = :practice AND a.contact_id = c.contact_id"
ENGAGED = "canonical.engagement e WHERE e.practice_id = :practice AND e.contact_id = c.contact_id"
RECORD = "canonical.opportunity o WHERE o.practice_id = :practice AND o.contact_id = c.contact_id"
OFFER = "canonical.proposal p WHERE p.practice_id = :practice AND p.contact_id = c.contact_id"
AGREED = (
    "EXISTS (SELECT FROM canonical.consent k WHERE k.practice_id = :practice AND k.contact_id = c.contact_id"
    " AND k.purpose = 'marketing' AND k.state = 'granted' AND k.channel = '{channel}')"
)
NO_BOOKING = f"NOT EXISTS (SELECT FROM {VISIT} AND a.status = 'booked' AND a.starts_at > :now)"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    audience: Audience
    by_hand: str


def field(name: str, op: Any, value: Any = None) -> Condition:
    return Condition(field=name, op=op, value=value)


def every(*rules: Rule) -> Group:
    return Group(node="all", rules=list(rules))


def either(*rules: Rule) -> Group:
    return Group(node="any", rules=list(rules))


def patients(*include: Rule, exclude: tuple[Rule, ...] = ()) -> Audience:
    return Audience(kinds=["patient"], include=list(include), exclude=list(exclude))


NOT_BOOKED = field("appointment.next_booked", "is_not_set")

CASES = (
    Case(
        "lapsed: last visit over 180 days ago, nothing booked",
        patients(field("appointment.last_attended", "more_than_days_ago", 180), NOT_BOOKED),
        f"""SELECT count(*) FROM canonical.contact c JOIN (
              SELECT contact_id FROM canonical.appointment WHERE practice_id = :practice
              GROUP BY contact_id HAVING max(starts_at) FILTER (WHERE status = 'attended' AND starts_at <= :now) < :d180
                AND count(*) FILTER (WHERE status = 'booked' AND starts_at > :now) = 0) a USING (contact_id)
            WHERE {LIVE} AND c.kind = 'patient'""",
    ),
    Case(
        "new leads of 30 days with an email address",
        Audience(kinds=["lead"], include=[field("contact.registered", "within_last_days", 30), field("contact.has_email", "is", True)]),
        f"SELECT count(*) FROM canonical.contact c WHERE {LIVE} AND c.kind = 'lead' AND c.registered_at >= :d30"
        " AND c.registered_at < :tomorrow AND c.email IS NOT NULL",
    ),
    Case(
        "stalled proposals over two weeks old and 1,000 or more",
        Audience(include=[every(field("proposal.status", "is", "stalled"), field("proposal.age_days", "gt", 14), field("proposal.value", "gte", 1000))]),
        f"""SELECT count(DISTINCT c.contact_id) FROM canonical.proposal p JOIN canonical.contact c USING (practice_id, contact_id)
            WHERE {LIVE} AND {BOTH} AND p.status = 'stalled' AND p.created_at < :d14 AND p.value >= 1000""",
    ),
    Case(
        "opened twice in 180 days, booked nothing in 90",
        Audience(include=[Did(what="opened", at_least=2, days=180)], exclude=[Did(what="booked", days=90)]),
        f"""SELECT count(*) FROM (SELECT contact_id FROM canonical.engagement WHERE practice_id = :practice AND kind = 'opened'
              AND at >= :d180 AND at <= :now GROUP BY contact_id HAVING count(*) >= 2) e
            JOIN canonical.contact c USING (contact_id)
            WHERE {LIVE} AND {BOTH} AND NOT EXISTS (SELECT FROM {VISIT} AND a.booked_at >= :d90 AND a.booked_at <= :now)""",
    ),
    Case(
        "open implant enquiries past first contact, not messaged for 30 days",
        Audience(include=[every(field("pipeline.outcome", "is", "open"), field("pipeline.stack", "is", "implants"), field("pipeline.stage", "not_in", ["new", "contacted"]), Did(what="messaged", at_least=None, at_most=0, days=30))]),
        f"""SELECT count(DISTINCT c.contact_id) FROM canonical.opportunity o JOIN canonical.contact c USING (practice_id, contact_id)
            WHERE {LIVE} AND {BOTH} AND o.outcome = 'open' AND o.stack = 'implants' AND o.stage NOT IN ('new', 'contacted')
              AND NOT EXISTS (SELECT FROM {ENGAGED} AND e.kind = 'messaged' AND e.at >= :d30 AND e.at <= :now)""",
    ),
    Case(
        "aged 25 to 45 in BS postcodes, app users, three visits or more",
        patients(field("contact.age", "between", [25, 45]), field("contact.postcode", "starts_with", "BS"), field("contact.app_user", "is", True), field("appointment.count_attended", "gte", 3)),
        f"""SELECT count(*) FROM canonical.contact c JOIN (SELECT contact_id FROM canonical.appointment
              WHERE practice_id = :practice AND status = 'attended' AND starts_at <= :now GROUP BY contact_id HAVING count(*) >= 3) a USING (contact_id)
            WHERE {LIVE} AND c.kind = 'patient' AND c.app_user AND c.postcode LIKE 'BS%'
              AND c.date_of_birth > :local - interval '46 years' AND c.date_of_birth <= :local - interval '25 years'""",
    ),
    Case(
        "trouble, any of: missed in 60 days, cancelled in 60, proposal stalled; nothing booked",
        Audience(include=[either(Did(what="missed", days=60), Did(what="cancelled", days=60), field("proposal.status", "is", "stalled")), NOT_BOOKED]),
        f"""SELECT count(*) FROM canonical.contact c WHERE {LIVE} AND {BOTH} AND {NO_BOOKING} AND c.contact_id IN (
              SELECT contact_id FROM canonical.appointment WHERE practice_id = :practice AND status IN ('no_show', 'cancelled')
                AND starts_at >= :d60 AND starts_at <= :now
              UNION ALL SELECT contact_id FROM canonical.proposal WHERE practice_id = :practice AND status = 'stalled')""",
    ),
    Case(
        "gold tier without an active care plan, seen this year",
        patients(field("loyalty.tier", "is", "gold"), field("appointment.last_attended", "within_last_days", 365), exclude=(field("care_plan.status", "is", "active"),)),
        f"""SELECT count(*) FROM canonical.loyalty l JOIN canonical.contact c USING (practice_id, contact_id)
            LEFT JOIN canonical.care_plan k ON k.practice_id = c.practice_id AND k.contact_id = c.contact_id AND k.status = 'active'
            WHERE {LIVE} AND c.kind = 'patient' AND l.tier = 'gold' AND k.contact_id IS NULL
              AND EXISTS (SELECT FROM {VISIT} AND a.status = 'attended' AND a.starts_at >= :d365 AND a.starts_at <= :now)""",
    ),
    Case(
        "messaged three times in a year, never clicked",
        Audience(include=[Did(what="messaged", at_least=3, days=365)], exclude=[Did(what="clicked")]),
        f"""SELECT count(*) FROM (SELECT contact_id FROM canonical.engagement WHERE practice_id = :practice AND kind IN ('messaged', 'clicked')
              AND at <= :now GROUP BY contact_id HAVING count(*) FILTER (WHERE kind = 'messaged' AND at >= :d365) >= 3
                AND count(*) FILTER (WHERE kind = 'clicked') = 0) e JOIN canonical.contact c USING (contact_id) WHERE {LIVE} AND {BOTH}""",
    ),
    Case(
        "consented to email or SMS, visited within two years",
        patients(either(field("consent.email", "is", "granted"), field("consent.sms", "is", "granted")), field("appointment.last_attended", "within_last_days", 730)),
        f"""SELECT count(*) FROM canonical.contact c WHERE {LIVE} AND c.kind = 'patient' AND c.contact_id IN (
              SELECT contact_id FROM canonical.consent WHERE practice_id = :practice AND purpose = 'marketing' AND state = 'granted'
                AND channel IN ('email', 'sms'))
              AND EXISTS (SELECT FROM {VISIT} AND a.status = 'attended' AND a.starts_at >= :d730 AND a.starts_at <= :now)""",
    ),
    Case(
        "nested: (no visit for a year or stalled proposal) and (opened or clicked in 180 days), none booked or deferred",
        Audience(include=[
            either(field("appointment.last_attended", "more_than_days_ago", 365), field("proposal.status", "is", "stalled")),
            either(Did(what="opened", days=180), Did(what="clicked", days=180)),
            Group(node="none", rules=[field("appointment.next_booked", "is_set"), field("pipeline.outcome", "is", "deferred")]),
        ]),
        f"""SELECT count(*) FROM canonical.contact c JOIN (
              SELECT DISTINCT contact_id FROM canonical.engagement WHERE practice_id = :practice
                AND kind IN ('opened', 'clicked') AND at >= :d180 AND at <= :now) e USING (contact_id)
            WHERE {LIVE} AND {BOTH} AND {NO_BOOKING} AND NOT EXISTS (SELECT FROM {RECORD} AND o.outcome = 'deferred')
              AND (EXISTS (SELECT FROM {OFFER} AND p.status = 'stalled') OR
                   (SELECT max(a.starts_at) FROM {VISIT} AND a.status = 'attended' AND a.starts_at <= :now) < :d365)""",
    ),
    Case(
        "birthday in the next week, email consent",
        Audience(include=[field("contact.birthday", "within_next_days", 7), field("consent.email", "is", "granted")]),
        f"""SELECT count(*) FROM canonical.contact c WHERE {LIVE} AND {BOTH} AND {AGREED.format(channel="email")}
              AND to_char(c.date_of_birth, 'MMDD') IN (SELECT to_char(CAST(:local AS date) + n, 'MMDD') FROM generate_series(0, 7) n)""",
    ),
)  # fmt: skip
