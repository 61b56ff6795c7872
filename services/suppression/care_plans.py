"""What Care Plan Subscriptions is told, so that both never court the same person (000 §4.5).

`careplan.suppression` is active while a person is suppressed for care plan offers, or is in other
active outreach; the table `care_plan_standing` holds what was said last, so only changes are sent.
`careplan.segmentation` says who entered or left a campaign of type care_plan; the engine's own
statements write it, with the move that causes it.
"""

from collections.abc import Iterable
from uuid import UUID

from services.access.service import practice_settings
from services.gates.contracts import Policy
from services.gates.lists import platform_key, practice_key
from services.gates.statement import verdicts
from services.kit.uow import Unit

TYPE = "care_plan"
OTHER_OUTREACH = "OTHER_OUTREACH"
NOBODY = UUID(int=0)

KNOW = """
INSERT INTO cm.care_plan_standing (practice_id, contact_id, changed_at)
SELECT :practice, contact_id, :now FROM unnest(CAST(:contacts AS uuid[])) AS t(contact_id)
ON CONFLICT DO NOTHING
"""

# The gates say who is suppressed; what is left to ask is whether somebody else writes to them.
TELL = f"""
WITH cand AS (
  SELECT t.contact_id FROM cm.care_plan_standing t WHERE t.practice_id = :practice
    AND (CAST(:contacts AS uuid[]) IS NULL OR t.contact_id = ANY (:contacts))
  ORDER BY t.contact_id FOR UPDATE OF t SKIP LOCKED
),
{verdicts(entry=True)},
stand AS (
  SELECT v.contact_id, coalesce(v.reason, CASE WHEN EXISTS (
      SELECT 1 FROM cm.enrolment e JOIN cm.campaign k ON k.practice_id = e.practice_id AND k.campaign_id = e.campaign_id
      WHERE e.practice_id = :practice AND e.contact_id = v.contact_id AND e.state = 'live'
        AND k.campaign_type <> :campaign_type AND k.kind <> 'transactional') THEN '{OTHER_OUTREACH}' END, '') AS reason,
    CASE WHEN v.reason = ANY (v.suppressed) THEN (
      SELECT CASE WHEN count(*) = count(s.expires_at) THEN max(s.expires_at) END FROM cm.suppression s
      WHERE s.practice_id = :practice AND s.contact_id = v.contact_id AND s.lifted_at IS NULL
        AND (s.expires_at IS NULL OR s.expires_at > :now) AND s.reason = ANY (v.suppressed)) END AS until
  FROM verdict v
),
changed AS (
  UPDATE cm.care_plan_standing t SET held_off = s.reason <> '', reason = s.reason, until = s.until, changed_at = :now
  FROM stand s WHERE t.practice_id = :practice AND t.contact_id = s.contact_id
    AND (t.held_off, t.until) IS DISTINCT FROM (s.reason <> '', s.until)
  RETURNING t.contact_id, t.held_off, t.until
)
INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, occurred_at, data)
SELECT :practice, uuidv7(), 'careplan.suppression', contact_id, :now, jsonb_strip_nulls(jsonb_build_object(
  'contact_id', contact_id, 'practice_id', CAST(:practice AS uuid), 'active', held_off,
  'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) FROM changed
"""

SEGMENTED = """
INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, occurred_at, data)
SELECT :practice, uuidv7(), 'careplan.segmentation', x.contact_id, :now, jsonb_build_object('contact_id', x.contact_id,
  'practice_id', CAST(:practice AS uuid), 'campaign_id', {campaign}, 'enrolled', {enrolled}) FROM {source}
"""


def concern(u: Unit, contact_id: UUID, *, new: bool) -> None:
    """Before this transaction commits, tell Care Plan Subscriptions how a person stands. `new`: even
    if it has never heard of them."""
    contacts: dict[UUID, bool] = u.notes.setdefault("care_plan_contacts", {})
    contacts[contact_id] = new or contacts.get(contact_id, False)
    u.before_commit(_tell_noted)


async def tell(u: Unit, contacts: Iterable[UUID] | None = None) -> int:
    """Send what changed for these people, or for all it knows of; returns how many were told."""
    settings = await practice_settings(u)
    policy = Policy(
        practice_id=u.practice_id,
        now=u.now,
        campaign_id=NOBODY,
        campaign_type=TYPE,
        emergency_stacks=tuple(settings.emergency_stacks),
        long_horizon_types=tuple(settings.long_horizon_types),
        block_key=practice_key(u),
        platform_key=platform_key(u),
        one_per_household=False,
    )
    told = await u.execute(TELL, **policy.params(), contacts=None if contacts is None else list(contacts))
    return int(told.rowcount)


def segmented(campaign_type: str, source: str, *, enrolled: bool) -> str:
    """A CTE that reports the people of `source` (rows `x` with contact_id, of one campaign bound as
    `:campaign`), or nothing for a campaign of another type."""
    if campaign_type != TYPE:
        return ""
    body = SEGMENTED.format(campaign="CAST(:campaign AS uuid)", enrolled=str(enrolled).lower(), source=source)
    return f", care_plans AS ({body})"


def care_plan_left(source: str) -> str:
    """The same for people who left several campaigns at once: rows with contact_id and campaign_id."""
    joined = (
        f"{source} x JOIN cm.campaign k ON k.practice_id = :practice AND k.campaign_id = x.campaign_id"
        f" WHERE k.campaign_type = '{TYPE}'"
    )
    return SEGMENTED.format(campaign="x.campaign_id", enrolled="false", source=joined)


async def _tell_noted(u: Unit) -> None:
    contacts: dict[UUID, bool] = u.notes["care_plan_contacts"]
    unheard = [contact for contact, new in contacts.items() if new]
    if unheard:
        await u.execute(KNOW, practice=u.practice_id, contacts=unheard, now=u.now)
    await tell(u, contacts)
