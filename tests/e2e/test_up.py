"""`cm up` once it runs: its ports, its files, its audit, and a second one beside it."""

import json
import stat
from pathlib import Path
from urllib.request import urlopen

import pytest

from cm_app.auditing import verify_file
from tests.e2e.conftest import Site
from tests.e2e.product import refusal

pytestmark = pytest.mark.covers("ENG-5", "OPS-2", "SRF-4")


def test_the_product_answers_on_its_three_ports(site: Site):
    for address in (f"{site.portal}/ping", f"{site.hub}/healthz", f"{site.platform}/health"):
        with urlopen(address, timeout=60) as answer:
            assert answer.status == 200
    with urlopen(site.portal, timeout=60) as answer:
        assert b"<html" in answer.read()


def test_addresses_and_keys_are_private_to_their_owner(site: Site):
    for name in ("servers.json", "site.json", "secret.key", "processes.json"):
        assert stat.S_IMODE((site.home / name).stat().st_mode) == 0o600


def test_a_second_one_on_the_same_folder_is_told_about_the_first(site: Site):
    assert "already running" in refusal(site.home)


@pytest.mark.covers("GOV-4")
def test_the_audit_verifies_live_and_exported_and_not_altered(site: Site, cm, tmp_path: Path):
    live = cm("verify-audit", home=site.home)
    assert live.returncode == 0, live.stdout + live.stderr
    assert "the chain holds" in live.stdout
    export = tmp_path / "audit.jsonl"
    assert cm("export", "audit", str(export), home=site.home).returncode == 0
    assert verify_file(export)[0]
    lines = export.read_text().splitlines()
    row = next(n for n, line in enumerate(lines) if '"leaf"' in line)
    changed = json.loads(lines[row])
    changed["actor"] = "person:somebody-else"
    export.write_text("\n".join([*lines[:row], json.dumps(changed), *lines[row + 1 :]]) + "\n")
    altered = cm("verify-audit", str(export))
    assert altered.returncode == 1
    assert "does not hold" in altered.stdout
