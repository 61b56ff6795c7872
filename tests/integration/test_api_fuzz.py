"""Schemathesis against the served API: nothing it says or does may differ from its own description.

The seed is fixed and the numbers small, so that a run is the same everywhere and short. A long run:
`API_EXAMPLES=200 API_SEED=<any> API_SECONDS=7200 pytest --timeout 7200 tests/integration/test_api_fuzz.py`.
"""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.access import service as access
from services.bootstrap import App, bootstrap
from services.neighbours.platform.api import create_api
from tests.factories.practice import make_contact
from tests.factories.served import served

EXAMPLES = os.environ.get("API_EXAMPLES", "")
SEED = os.environ.get("API_SEED", "20260401")
PLENTY = {"api_per_caller": 10**6, "api_per_practice": 10**6, "api_per_stranger": 10**6}
PHASES = "examples,coverage,fuzzing,stateful" if EXAMPLES else "examples,fuzzing,stateful"
"""The coverage phase tries every boundary of every field: some thousand requests, for long runs."""
SCOPES = ["author", "read", "manage", "delete_draft", "suppress", "compliance"]
REFUSED = '["2xx", 303, 400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503]'
CONFIG = f"""
[checks.ignored_auth]
# It adds a made-up cookie to our key and expects a refusal, but the key counts. That nobody gets in without
# either is asked of every route in test_api_everyone.py.
enabled = false
[checks.positive_data_acceptance]
# A request that fits the schema may still be refused for what it means (a rule, a state, a missing code).
expected-statuses = {REFUSED}
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 503]
"""


def run(address: str, folder: Path, *options: str, name: str) -> None:
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [
        str(Path(sys.executable).parent / "st"), "--config-file", str(config), "run",
        f"{address}/api/openapi.json", "--seed", SEED, "--no-color", "--warnings", "off",
        "--report", "ndjson", "--report-ndjson-path", str(folder / f"{name}.ndjson"), *options,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env=_plain(),
        timeout=float(os.environ.get("API_SECONDS", "280")),
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}


@pytest.mark.covers("SRF-3")
async def test_the_api_does_what_its_description_says(
    app: App, config, servers, database_url: str, practice: UUID, cast, tmp_path: Path
):
    make_contact(database_url, practice, app.clock.now())
    ada = (await access.sign_in(app, cast["administrator"].login, cast["administrator"].password)).actor
    async with app.uow(ada) as u:
        key = (await access.create_api_key(u, label="Fuzz", scopes=["read"])).key
        # A key has no more than its maker has: this one has every scope, and its maker too.
        await u.execute("UPDATE cm.api_key SET scopes = :scopes", scopes=SCOPES)
        await u.execute("UPDATE cm.person SET roles = array_append(roles, 'marketer') WHERE login = 'ada'")

    def wire(role: str = "cm_app", **more: Any) -> App:
        return bootstrap(
            config=config.model_copy(update=PLENTY | more), clock=app.clock, database_url=database_url,
            redis_url=servers.redis_url, role=role,
        )  # fmt: skip

    with (
        served(partial(wire, "cm_platform"), lambda wired: create_api(wired.uow)) as platform,
        served(partial(wire, platform_url=platform)) as address,
    ):
        run(
            address, tmp_path, "-H", f"Authorization: Bearer {key}", "--phases",
            PHASES, "--max-examples", EXAMPLES or "2", name="key",
        )  # fmt: skip
        token = (await access.sign_in(app, cast["administrator"].login, cast["administrator"].password)).token
        run(
            address, tmp_path, "-H", f"Cookie: cm_session={token}", "--phases", "examples,fuzzing",
            "--include-tag", "Administration", "--include-tag", "Webhooks", "--include-tag", "Approvals",
            "--max-examples", EXAMPLES or "2", name="administrator",
        )  # fmt: skip
