"""The SQL that asks the gates about a set of people, in one statement (house rule 6).

`verdicts` is a chain of common table expressions that starts from a relation `cand` with at least
`contact_id` (and `ord`, the order in which people of one household are served) and ends in
`verdict`: every column of cand, the contact's zone, the channels that stay open, and the first
reason to refuse (null: cleared). Callers put their own statement behind it.
"""

from collections.abc import Mapping, Sequence
from typing import get_args

from services.contracts.journey import Channel
from services.gates.gates import GATES, Gate, channel_gates, effect_case, person_gates
from services.gates.reasons import Reason
from services.gates.records import record_of
from services.gates.requested import requested_of

CHANNELS: tuple[Channel, ...] = get_args(Channel)
HERE = "cm.blocked_destination b WHERE b.practice_id = :practice"
EVERYWHERE = "cm.platform_block b WHERE true"


def hashed(key: str, kind: str, value: str) -> str:
    """SQL of a list entry's hash: the key, the kind and the normalised value (SUP-6). Null has none."""
    return f"sha256(CAST(:{key} AS bytea) || convert_to('{kind}:' || {value}, 'UTF8'))"


def _listed(*values: tuple[str, str]) -> str:
    """Is one of these (kind, value) on a list? Hashing costs, so only where a list has entries. One
    question an entry: the planner reads a short list once, and looks a long one up."""
    asked = []
    for column, key, where in (("here", "block_key", HERE), ("everywhere", "platform_key", EVERYWHERE)):
        each = " OR ".join(
            f"EXISTS (SELECT 1 FROM {where} AND b.hash = {hashed(key, kind, value)})"
            for kind, value in values
        )
        asked.append(f"CASE WHEN (SELECT {column} FROM listed) THEN {each} ELSE false END")
    return f"({' OR '.join(asked)})"


# The longer of the two windows that limits look back.
WINDOW = "least(CAST(:touches_since AS timestamptz), CAST(:gap_since AS timestamptz))"
# Where a batch looks for something by the person: not always in the table itself.
LOOKED_UP = {"touch": requested_of("cand.contact_id", WINDOW)}
# What is known of a person from tables with any number of rows for them: (columns, rows, which).
GATHERED: dict[str, tuple[str, str, str]] = {
    "sup": (
        """array_agg(s.reason) FILTER (WHERE s.scope = 'all'
          OR s.scope = 'types' AND (CAST(:campaign_type AS text) = ANY (s.campaign_types)
            -- Which types an emergency excludes is asked now: the practice may have marked more since (D19).
            OR s.reason = 'EMERGENCY_STACK_EXCLUSION')
          OR s.scope = 'campaign' AND s.campaign_id = :campaign
          OR s.scope = 'goal' AND s.goal = CAST(:goal AS text)) AS suppressed,
        array_agg(s.reason || ':' || coalesce(s.channel, '*')) FILTER (WHERE s.scope = 'channel'
          OR s.scope = 'topic' AND s.topic = CAST(:topic AS text)) AS closed""",
        "cm.suppression s",
        "s.lifted_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > :now)",
    ),
    "touch": (
        """count(*) FILTER (WHERE d.requested_at > :touches_since) AS touches,
        max(d.requested_at) AS last_touch""",
        "cm.dispatch d",
        f"d.requested_at > {WINDOW} AND d.status NOT IN ('cancelled', 'failed', 'bounced')",
    ),
    "emergency": (
        "count(*) > 0 AS is_open",
        "canonical.opportunity o",
        "o.outcome = 'open' AND lower(o.stack) = ANY (CAST(:emergency_stacks AS text[]))",
    ),
}

RECORDS = "LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = cand.contact_id"
EMAIL, PHONE = "lower(btrim(c.email))", "c.phone"
LISTED_EMAIL = _listed(("address", EMAIL), ("domain", f"split_part({EMAIL}, '@', 2)"))
LISTED_PHONE = _listed(("address", PHONE))
# `OFFSET 0` keeps a level to itself. Without it the planner puts the text of each fact wherever the
# fact is mentioned, and the lists are looked through for every gate anew (docs/decisions/0008).
FACTS = f"""
listed AS MATERIALIZED (
  SELECT EXISTS (SELECT 1 FROM {HERE}) AS here, EXISTS (SELECT 1 FROM {EVERYWHERE}) AS everywhere
),
f AS (
  SELECT cand.*, coalesce(c.timezone, 'Europe/London') AS zone, c.email, c.phone,
    c.app_user, c.whatsapp_verified, c.household_id, c.locale,
    c.contact_id IS NULL OR c.deceased OR c.merged_into IS NOT NULL AS gone,
    coalesce(c.do_not_contact, false) AS do_not_contact,
    sup.suppressed, sup.closed AS closed_channels,
    coalesce(touch.touches, 0) AS touches, coalesce(touch.last_touch, '-infinity') AS last_touch,
    coalesce(emergency.is_open, false) AS emergency_open,
    CASE WHEN :global_holdout > 0 THEN cm.bucket(:global_salt, cand.contact_id) ELSE 10000 END AS global_bucket,
    CASE WHEN :campaign_holdout > 0 THEN cm.bucket(:campaign_salt, cand.contact_id) ELSE 10000 END AS campaign_bucket,
    {{consents}}{_listed(("identity", "nullif(c.identity_hash, '')"))} AS blocked,
    {{email_blocked}} AS email_blocked, {{phone_blocked}} AS phone_blocked,
    CASE WHEN :exclusive THEN EXISTS (SELECT 1 FROM cm.enrolment x WHERE x.practice_id = :practice
      AND x.contact_id = cand.contact_id AND x.campaign_id <> :campaign AND x.state = 'live') ELSE false END AS enrolled_elsewhere,
    CASE WHEN :one_per_household AND {{requested}} AND c.household_id IS NOT NULL THEN
      EXISTS (SELECT 1 FROM canonical.contact m
        JOIN cm.enrolment x ON x.practice_id = :practice AND x.contact_id = m.contact_id AND x.campaign_id = :campaign
        CROSS JOIN LATERAL (SELECT 1 FROM cm.dispatch d WHERE d.practice_id = :practice AND d.enrolled_at = x.enrolled_at
          AND d.enrolment_id = x.enrolment_id AND d.contact_id = m.contact_id AND d.version_id = :version AND d.step_id = :step
          AND d.status NOT IN ('cancelled', 'failed', 'bounced') LIMIT 1) d
        WHERE m.practice_id = :practice AND m.household_id = c.household_id AND m.contact_id <> c.contact_id
          AND (lower(m.email) = lower(c.email) OR m.phone = c.phone))
      ELSE false END AS duplicate
  FROM cand
  {{record}}
  {{gathered}}
  OFFSET 0
)"""

# Of one batch, the first of a household who is cleared gets the message; whoever is refused for a
# reason of their own does not stand in the way of the others (D25).
# Whoever has no household is alone in one: sorting by ids is quick, by addresses it is not.
SECOND = """:one_per_household AND p.household_id IS NOT NULL AND coalesce(p.email, p.phone) IS NOT NULL
      AND row_number() OVER (PARTITION BY coalesce(p.household_id, p.contact_id),
          CASE WHEN p.household_id IS NOT NULL THEN coalesce(lower(p.email), p.phone) END COLLATE "C", p.own_reason IS NULL
                             ORDER BY {served}) > 1"""

REACHABLE: dict[str, str] = {
    "email": "coalesce(f.email, '') <> ''",
    "sms": "coalesce(f.phone, '') <> ''",
    "whatsapp": "f.whatsapp_verified AND coalesce(f.phone, '') <> ''",
    "in_app": "f.app_user",
}
BLOCKED: dict[str, str] = {
    "email": "f.email_blocked",
    "sms": "f.phone_blocked",
    "whatsapp": "f.phone_blocked",
    "in_app": "false",
}


def _agreed(channels: Sequence[Channel]) -> tuple[str, str, str]:
    """All consents of a person by one look: there is one a channel and purpose."""
    states = ", ".join(f"max(k.state) FILTER (WHERE k.channel = '{c}') AS {c}" for c in channels)
    return states, "canonical.consent k", "k.purpose = :purpose"


def agreed_sql(among: str) -> str:
    """A SELECT of what everybody among some people (a SELECT of contact_id) agreed to, as `facts` gathers it:
    for whoever asks about the same people again and again, and hands the answer in as `kept`."""
    states, source, which = _agreed(CHANNELS)
    return (
        f"SELECT k.contact_id, {states} FROM {source} WHERE k.practice_id = :practice AND {which}"
        f" AND k.contact_id IN ({among}) GROUP BY k.contact_id"
    )


def facts(
    channels: Sequence[Channel] = (),
    *,
    each: bool,
    requested: bool = True,
    kept: Mapping[str, str] | None = None,
) -> str:
    """What the gates ask about, one row a person. For a batch (`each`) every person is looked up by
    index: the planner knows neither how many are in the claim nor how fast tables grow, and would
    read them whole (docs/decisions/0008). For an audience of unknown size it may choose. `requested`:
    messages of this version may be on record; of a draft there are none. `kept`: tables that hold
    what is gathered of each person already, by the name of the fact."""
    tables, joins = [], []
    gathered = GATHERED | ({"agreed": _agreed(channels)} if channels else {})
    for name, (columns, source, which) in gathered.items():
        alias = source.split()[1]
        mine = f"{alias}.practice_id = :practice AND {alias}.contact_id = cand.contact_id"
        if kept and name in kept:
            joins.append(f"LEFT JOIN {kept[name]} {name} ON {name}.contact_id = cand.contact_id")
        elif each:
            place = LOOKED_UP.get(name, source)
            found = f"SELECT {columns} FROM {place} WHERE {mine} AND {which}"
            joins.append(f"LEFT JOIN LATERAL ({found}) {name} ON true")
        else:
            tables.append(
                f"{name} AS (SELECT {alias}.contact_id, {columns} FROM cand JOIN {source} ON {mine}"
                f" WHERE {which} GROUP BY {alias}.contact_id),"
            )
            joins.append(f"LEFT JOIN {name} ON {name}.contact_id = cand.contact_id")
    consents = "".join(f"agreed.{c} AS consent_{c}, " for c in channels)
    whole = FACTS.replace("{gathered}", "\n  ".join(joins)).replace("{consents}", consents)
    # A hash costs: what no channel asks about is not looked up.
    whole = whole.replace("{email_blocked}", LISTED_EMAIL if "email" in channels else "false")
    by_phone = not {"sms", "whatsapp"}.isdisjoint(channels)
    whole = whole.replace("{phone_blocked}", LISTED_PHONE if by_phone else "false")
    whole = whole.replace("{record}", record_of("cand") if each else RECORDS)
    return "".join(tables) + whole.replace("{requested}", str(requested).lower())


def verdicts(
    channels: Sequence[Channel] = (),
    *,
    entry: bool = False,
    each: bool = False,
    requested: bool = True,
    served: str = "p.contact_id",
    only: Sequence[str] = (),
    kept: Mapping[str, str] | None = None,
) -> str:
    """CTEs from `cand` to `verdict`. At entry only the gates asked there, and no channels. `each`:
    cand is a batch of at most thousands; `requested`, `kept`: as in `facts`. `served`: the order in which people of one
    household are. `only`: what verdict has beside reason and effect; every column left out is one less
    to carry through the sort of households.

    Beside the columns of `cand` and the facts, verdict has `reason` (null: cleared), `effect` of a
    refusal, `channels` that stay open in order, and `channel_verdicts`, a JSON text.
    """
    person = person_gates(entry=entry)
    if entry:
        return f"""{facts(each=each, requested=requested, kept=kept)},
verdict AS MATERIALIZED (SELECT {", ".join(f"f.{c}" for c in only) or "f.*"}, CASE {_cases(person)} END AS reason FROM f)"""
    reasons = [f"p.reason_{channel}" for channel in channels]
    first = f"coalesce({', '.join(reasons)})" if reasons else "'NO_ADDRESS'"
    shut = " AND ".join(f"{r} IS NOT NULL" for r in reasons) or "true"
    made = {"channels": _open(channels), "channel_verdicts": _verdicts_json(channels)}
    named = [f"{made[c]} AS {c}" if c in made else f"p.{c}" for c in only or ("*", *made)]
    told = ", ".join(named)
    return f"""{facts(channels, each=each, requested=requested, kept=kept)},
verdict AS MATERIALIZED (
  SELECT {told}, {effect_case("p.person_reason")} AS effect,
    coalesce(p.own_reason, CASE WHEN {SECOND.format(served=served)} THEN '{Reason.DUPLICATE_DESTINATION}' END) AS reason
  FROM (SELECT p.*, coalesce(p.person_reason, CASE WHEN {shut} THEN {first} END) AS own_reason
        FROM ({_judged(f"CASE {_cases(person)} END AS person_reason", channels)}) p OFFSET 0) p
)"""


def _judged(person: str, channels: Sequence[Channel]) -> str:
    """One row a person: the person gates' answer and one reason a channel, without a group."""
    columns = ["f.*", person]
    joins: list[str] = []
    for channel in channels:
        columns.append(
            f"CASE {_cases(channel_gates()).replace('h.', f'h_{channel}.')} END AS reason_{channel}"
        )
        joins.append(channel_facts(channel))
    return f"SELECT {', '.join(columns)} FROM f {' '.join(joins)} OFFSET 0"


def channel_facts(channel: Channel) -> str:
    """Joins what the channel gates look at to each row of `f`, as `h_<channel>`."""
    return (
        f"CROSS JOIN LATERAL (SELECT text '{channel}' AS name, {REACHABLE[channel]} AS reachable,"
        f" {BLOCKED[channel]} AS blocked, f.consent_{channel} AS consent) h_{channel}"
    )


def _open(channels: Sequence[Channel]) -> str:
    names = ", ".join(f"CASE WHEN p.reason_{c} IS NULL THEN '{c}' END" for c in channels)
    return f"array_remove(ARRAY[{names}]::text[], NULL)"


def _verdicts_json(channels: Sequence[Channel]) -> str:
    pairs = ", '\",".join(f"""\"{c}":"', coalesce(p.reason_{c}, 'ok')""" for c in channels)
    return f"""concat('{{{pairs}, '"}}')""" if channels else "'{}'"


def breakdown_sql(source: str, channels: Sequence[Channel]) -> str:
    """Count by reason over the contacts of `source`, a SELECT that yields contact_id."""
    return (
        f"WITH cand AS ({source}), {verdicts(channels)} "
        "SELECT reason, count(*) AS people FROM verdict GROUP BY reason ORDER BY people DESC"
    )


def all_reasons_sql(source: str, channels: Sequence[Channel]) -> str:
    """Every gate that refuses, not only the first (the “why not now?” question, SUP-8)."""
    person = ", ".join(f"CASE WHEN {g.predicate} THEN '{g.reason.value}' END" for g in person_gates())
    judged = _judged(f"array_remove(ARRAY[{person}], NULL) AS reasons", channels)
    return (
        f"WITH cand AS ({source}), {facts(channels, each=True)} SELECT p.contact_id, p.reasons, {_open(channels)} AS channels,"
        f" CAST({_verdicts_json(channels)} AS jsonb) AS channel_verdicts FROM ({judged}) p"
    )


def _cases(gates: tuple[Gate, ...]) -> str:
    assert all(g in GATES for g in gates)
    return " ".join(f"WHEN {g.predicate} THEN '{g.reason.value}'" for g in gates)
