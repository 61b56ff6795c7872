"""Templates written into a journey, so that what is approved is fixed (CNT-1)."""

from uuid import UUID

from services.content import queries
from services.content.contracts import TemplateRow
from services.content.templates import read_row
from services.contracts.journey import Journey, Message, Variant
from services.kit.uow import Unit


async def resolve(u: Unit, journey: Journey) -> Journey:
    """The journey with the words of its templates written in, in all their languages.

    Words written on the step itself win. Templates that are gone or inactive are left: the
    builder's check names them.
    """
    wanted = template_ids(journey)
    if not wanted:
        return journey
    rows = await u.execute(
        queries.TEMPLATES + " AND active AND template_id = ANY (:ids)",
        practice=u.practice_id,
        ids=list(wanted),
    )
    found = {str(row.template_id): row for row in (read_row(u, r) for r in rows.mappings())}

    def filled(variant: Variant) -> Variant:
        row = found.get(variant.template_id or "")
        return with_template(variant, row) if row else variant

    steps = [
        step.model_copy(update={"variants": [filled(v) for v in step.variants]})
        if isinstance(step, Message)
        else step
        for step in journey.steps
    ]
    return journey.model_copy(update={"steps": steps})


def with_template(variant: Variant, row: TemplateRow) -> Variant:
    """The variant with what the template says where nothing is written on the step itself."""
    written = variant.content.get(row.channel)
    if written is not None and written.body.strip():
        return variant
    translations = dict(variant.translations)
    for locale, words in row.translations.items():
        there = translations.get(locale, {})
        own = there.get(row.channel)
        if own is None or not own.body.strip():
            translations[locale] = {**there, row.channel: words}
    content = {**variant.content, row.channel: row.content}
    return variant.model_copy(update={"content": content, "translations": translations})


async def count_uses(u: Unit, journey: Journey) -> None:
    """Add one use to every template of a journey that has just become a version."""
    wanted = template_ids(journey)
    if wanted:
        await u.execute(
            "UPDATE cm.content_template SET times_used = times_used + 1"
            " WHERE practice_id = :practice AND template_id = ANY (:ids)",
            practice=u.practice_id,
            ids=list(wanted),
        )


def template_ids(journey: Journey) -> set[UUID]:
    """Templates a journey names; what is not an id is left to the builder's check."""
    found: set[UUID] = set()
    for step in journey.steps:
        for variant in step.variants if isinstance(step, Message) else ():
            try:
                found.add(UUID(variant.template_id or ""))
            except ValueError:
                continue
    return found
