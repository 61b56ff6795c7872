"""SQL that finds what was requested of a person, without looking into every month there ever was.

`cm.dispatch` is partitioned by the moment of entry, because that keeps a send unique (ENG-2); a rule asks
by the moment of the request. Somebody who entered a year ago may have got a message today. So the journeys
and planned messages that were under way within the rule's window are looked up first, and each leads by
its key to the one partition that holds its requests: the planner touches no other.
"""

SLACK = "interval '1 day'"
"""An entry may have ended a moment before its last request, by the clock of who waited for whom."""


def requested_of(contact: str, since: str, *, until: str = "", also: str = "true", alias: str = "d") -> str:
    """FROM-items that yield the rows of `cm.dispatch` (as `d`) requested of a contact after `since` and, where it
    is given, before `until`, all SQL expressions; `also` narrows the rows `x` of `cm.enrolment` (follow-ups are
    left out then)."""

    def before(column: str) -> str:
        return f" AND {column} < {until}" if until else ""

    planned = (
        f"""
    UNION ALL SELECT y.created_at, y.followup_id FROM cm.followup y WHERE y.practice_id = :practice
      AND y.contact_id = {contact} AND y.state = 'sent' AND y.ended_at > {since} - {SLACK}{before("y.created_at")}"""
        if also == "true"
        else ""
    )
    return f"""(SELECT x.enrolled_at, x.enrolment_id FROM cm.enrolment x WHERE x.practice_id = :practice
      AND x.contact_id = {contact} AND {also} AND (x.ended_at IS NULL OR x.ended_at > {since} - {SLACK}){before("x.enrolled_at")}{planned}) under_way
  CROSS JOIN LATERAL (SELECT r.* FROM cm.dispatch r WHERE r.practice_id = :practice
    AND r.enrolled_at = under_way.enrolled_at AND r.enrolment_id = under_way.enrolment_id
    AND r.contact_id = {contact} AND r.requested_at > {since}{before("r.requested_at")} OFFSET 0) {alias}"""
