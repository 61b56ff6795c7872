"""What surrounds a request for approval: its thread, the reminder, and approvals that run out."""

from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.campaigns.contracts import ApprovalRow, Comment
from services.campaigns.lifecycle import announce, pause_by_system
from services.campaigns.versions import author_of
from services.kit.errors import Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit

COMMENTS = """
SELECT t.comment_id, coalesce(p.display_name, 'A member of staff') AS person, t.at, t.words
FROM cm.approval_comment t LEFT JOIN cm.person p ON p.practice_id = t.practice_id AND p.person_id = t.person_id
WHERE t.practice_id = :practice AND t.approval_id = :approval ORDER BY t.comment_id LIMIT 500
"""
ADD = """
WITH asked AS (SELECT approval_id, campaign_id FROM cm.approval WHERE practice_id = :practice AND approval_id = :approval),
added AS (
  INSERT INTO cm.approval_comment (practice_id, comment_id, approval_id, person_id, at, words)
  SELECT :practice, :comment, approval_id, :person, :now, :words FROM asked
)
SELECT campaign_id FROM asked
"""
REMIND = """
UPDATE cm.approval a SET reminded_at = :now FROM cm.practice p
WHERE a.practice_id = :practice AND p.practice_id = a.practice_id AND a.state = 'requested' AND a.reminded_at IS NULL
  AND a.requested_at <= :now - make_interval(hours => coalesce(CAST(p.settings->>'approval_reminder_hours' AS integer), 24))
RETURNING a.approval_id, a.campaign_id
"""
RUN_OUT = """
SELECT c.campaign_id, a.approval_id FROM cm.campaign c
CROSS JOIN LATERAL (
  SELECT approval_id, valid_until FROM cm.approval WHERE practice_id = :practice AND campaign_id = c.campaign_id AND state = 'used'
  ORDER BY decided_at DESC, approval_id DESC LIMIT 1) a
WHERE c.practice_id = :practice AND c.state = 'active' AND a.valid_until <= :now
"""


async def comment(u: Unit, approval_id: UUID, words: str) -> None:
    """Add a remark to a request's thread. For whoever may write or approve campaigns."""
    u.actor.require("approve" if u.actor.may("approve") else "author")
    said = words.strip()[:2000]
    if not said:
        raise Invalid("Write something first.")
    added = await u.execute(
        ADD, practice=u.practice_id, comment=new_id(), approval=approval_id, person=author_of(u.actor),
        now=u.now, words=said,
    )  # fmt: skip
    campaign_id = added.scalar_one_or_none()
    if campaign_id is None:
        raise NotFound("This request does not exist, or its campaign was deleted.")
    await record(u, AuditTag.APPROVAL_COMMENTED, campaign_id=campaign_id, approval=str(approval_id))


async def comments(u: Unit, approval_id: UUID) -> list[Comment]:
    """The thread of a request, oldest first."""
    u.actor.require("read")
    rows = await u.execute(COMMENTS, practice=u.practice_id, approval=approval_id)
    return [Comment.model_validate(dict(row)) for row in rows.mappings()]


async def mind_approvals(u: Unit) -> int:
    """The scheduler's part: remind approvers of what has waited long enough, once; pause campaigns whose
    approval has run out. It approves nothing. Returns how many it dealt with."""
    reminded = (await u.execute(REMIND, practice=u.practice_id, now=u.now)).all()
    for row in reminded:
        await record(
            u, AuditTag.APPROVAL_REMINDED, campaign_id=row.campaign_id, approval=str(row.approval_id)
        )
        announce(u, row.campaign_id, "campaign.approval_reminded", approval_id=str(row.approval_id))
    over = (await u.execute(RUN_OUT, practice=u.practice_id, now=u.now)).all()
    for row in over:
        await pause_by_system(u, row.campaign_id, reason="The time it was approved for is over.")
        await record(u, AuditTag.APPROVAL_RAN_OUT, campaign_id=row.campaign_id, approval=str(row.approval_id))
    return len(reminded) + len(over)


async def campaign_of_request(u: Unit, approval_id: UUID) -> str:
    """What the campaign of a request is called. Raises NotFound."""
    u.actor.require("read")
    found = await u.execute(
        "SELECT c.name FROM cm.approval a JOIN cm.campaign c USING (practice_id, campaign_id)"
        " WHERE a.practice_id = :practice AND a.approval_id = :approval",
        practice=u.practice_id,
        approval=approval_id,
    )
    name: str | None = found.scalar_one_or_none()
    if name is None:
        raise NotFound("This request does not exist, or its campaign was deleted.")
    return name


async def people_before(u: Unit, row: ApprovalRow, version: UUID | None) -> int | None:
    """How many people the version before was asked for; None the first time."""
    if version is None:
        return None
    found = await u.execute(
        "SELECT audience_count FROM cm.approval WHERE practice_id = :practice AND campaign_id = :campaign"
        " AND version_id = :version AND requested_at <= :at ORDER BY requested_at DESC, approval_id DESC LIMIT 1",
        practice=u.practice_id,
        campaign=row.campaign_id,
        version=version,
        at=row.requested_at,
    )
    people: int | None = found.scalar_one_or_none()
    return people
