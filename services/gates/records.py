"""SQL that finds the contact record of each person of a batch by its key.

As a plain join the planner may read the whole practice's contacts for every batch and hash them: it does
not know how many a practice has (docs/decisions/0018), and takes a million for thousands.
"""


def record_of(person: str) -> str:
    """LEFT JOIN of the record of `person` (an SQL alias with `contact_id`), as `c`. `OFFSET 0` keeps
    it a look-up a person."""
    return (
        "LEFT JOIN LATERAL (SELECT r.* FROM canonical.contact r"
        f" WHERE r.practice_id = :practice AND r.contact_id = {person}.contact_id OFFSET 0) c ON true"
    )
