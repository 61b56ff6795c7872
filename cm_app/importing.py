"""`cm import`: hands files to the Practice Platform, shows what it understood, confirms."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from pydantic import ValidationError
from rich.table import Table

from cm_app.auditing import practices
from cm_app.console import problem, screen
from services.bootstrap import opened
from services.contracts.platform_api import (
    ConfirmImport,
    ConsentDeclaration,
    ImportBatch,
    ImportDetail,
    ImportKind,
)
from services.imports.client import PlatformClient, platform_client
from services.kit.errors import AppError, Invalid
from services.kit.settings import Settings

WHO = "command line"
Confirm = Callable[[str], bool]


def declaration(
    channels: Sequence[str], *, method: str, date: str, evidence: str
) -> ConsentDeclaration | None:
    """What the importer states about consent, or None. Raises Invalid when it is incomplete."""
    if not channels:
        if method or date or evidence:
            raise Invalid("Name the channels that people consented to: --consent email.")
        return None
    try:
        return ConsentDeclaration.model_validate(
            {"channels": list(channels), "method": method, "date": date, "evidence": evidence}
        )
    except ValidationError as error:
        wrong = ", ".join(sorted({f"--{item['loc'][0]}" for item in error.errors()})).replace(
            "--channels", "--consent"
        )
        raise Invalid(
            "A consent declaration needs its channels, how (--method), when (--date YYYY-MM-DD) and where "
            f"the proof is (--evidence). Look at: {wrong}."
        ) from None


async def leads(file: Path, *, declaration: ConsentDeclaration | None, confirm: Confirm | None) -> None:
    """Upload a CRM's export, show the guessed mapping, ask (unless `confirm` is None), import."""
    async with _platform() as platform:
        batch = await platform.upload("leads", [(file.name, file.read_bytes())], uploaded_by=WHO)
        _show_mapping(batch)
        if declaration is None:
            screen.print(
                "No consent is declared: nobody in this file gets marketing unless a mapped column says so."
            )
        if confirm is not None and not confirm(f"Import {batch.total_rows} rows like this?"):
            screen.print("Nothing was imported.")
            return
        _report(await platform.confirm(batch.batch_id, ConfirmImport(consent=declaration, confirmed_by=WHO)))


async def synthea(folder: Path) -> None:
    """Upload patients.csv and encounters.csv of a Synthea export (or a zip of them) and import."""
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else [folder]
    kind: ImportKind = "synthea"
    if not files:
        raise AppError(f"{folder} holds no CSV files; give the folder with patients.csv in it.")
    async with _platform() as platform:
        batch = await platform.upload(kind, [(f.name, f.read_bytes()) for f in files], uploaded_by=WHO)
        _report(await platform.confirm(batch.batch_id, ConfirmImport(confirmed_by=WHO)))


@asynccontextmanager
async def _platform() -> AsyncIterator[PlatformClient]:
    """A client of the platform for the one practice of this database."""
    async with opened() as here:
        found = await practices(here)
        if len(found) != 1:
            raise AppError(f"This database has {len(found)} practices; import in the portal of one of them.")
        async with platform_client(_where(here.settings), here.keyring, found[0]) as client:
            yield client


def _where(config: Settings) -> Settings:
    """The settings, with the platform's address as the running `cm up` wrote it down."""
    running = config.home / "site.json"
    if config.platform_url or not running.exists():
        return config
    return config.model_copy(update={"platform_url": orjson.loads(running.read_bytes())["platform"]})


def _show_mapping(batch: ImportBatch) -> None:
    screen.print(f"{batch.file_name}: {batch.total_rows} rows, {batch.read_as}", markup=False)
    means = {header: field for field, header in batch.mapping.items()}
    table = Table("column", "is read as", "for example", box=None)
    for number, header in enumerate(batch.headers):
        example = next((row[number] for row in batch.sample if number < len(row) and row[number]), "")
        table.add_row(header, means.get(header, "—").replace("_", " "), example)
    screen.print(table)


def _report(detail: ImportDetail) -> None:
    batch = detail.batch
    screen.print(
        f"{batch.imported} imported, {batch.duplicates} duplicates, {batch.errors} refused, "
        f"{batch.warnings} with a warning."
    )
    for found in detail.problems:
        if found.severity != "note":
            problem(f"  row {found.row_number}, {found.field}: {found.problem}")
