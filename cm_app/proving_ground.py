"""`cm proof run`: a campaign with everything but the sending, its evidence in a folder."""

from pathlib import Path
from uuid import UUID

from rich.table import Table

from cm_app.auditing import practices
from cm_app.console import counting, say, screen
from services.bootstrap import App, app, opened
from services.campaigns.contracts import CampaignFilter
from services.campaigns.service import page
from services.kit.actor import Actor
from services.kit.errors import AppError
from services.proofs import service as proofs
from services.proofs.artefacts import verify_manifest


async def run(campaign: str, out: Path) -> None:
    """Prove the campaign with this id or name; writes into `out`, which must be new or empty."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise AppError(f"{out} is not empty; give another folder.")
    async with opened() as here:
        actor, campaign_id = await _found(here, campaign)
        with counting("Proof run") as bar:

            async def tell(words: str) -> None:
                bar(words, 0, 0)

            made = await proofs.make_for_command(here.uow, actor, campaign_id, tell)
        out.mkdir(parents=True, exist_ok=True)
        for name, body in made.files.items():
            (out / name).write_bytes(body)
        _show(made.summary)
        say(f"{len(made.files)} files in {out}; sha256 of manifest.json: {made.manifest_sha256}")


def check(folder: Path) -> list[str]:
    """What does not hold of a folder of artefacts, in sentences; needs this installation's key."""
    here = app()
    if not (folder / "manifest.json").exists():
        raise AppError(f"There is no manifest.json in {folder}.")
    return verify_manifest({path.name: path.read_bytes() for path in folder.iterdir()}, here.keyring)


async def _found(here: App, campaign: str) -> tuple[Actor, UUID]:
    for practice in await practices(here):
        actor = Actor(practice, "cli", frozenset({"author", "read"}), display_name="Command line")
        async with here.uow(actor) as u:
            for row in (await page(u, CampaignFilter(search=_search(campaign), limit=200))).rows:
                if campaign in (row.name, str(row.campaign_id)):
                    return actor, row.campaign_id
    raise AppError(f"There is no campaign “{campaign}”. Give its name or its id.")


def _search(campaign: str) -> str:
    try:
        UUID(campaign)
    except ValueError:
        return campaign
    return ""


def _show(summary: dict) -> None:
    screen.print(
        f"Nothing was sent. {summary['entered']:,} people would enter, {summary['messages']:,} messages go to"
        f" {summary['people']:,} of them, {summary['refusals']:,} are refused.",
        markup=False,
    )
    if summary["refused"]:
        refused = Table("step", "not sent, because", "people")
        for row in summary["refused"]:
            refused.add_row(row["step"], row["sentence"], f"{row['people']:,}")
        screen.print(refused)
