"""What the documents promise exists, and what exists is in the documents."""

import re
from pathlib import Path

import pytest
import typer.main

from cm_app import register
from cm_app.cli import app
from services.audit.tags import AuditTag
from services.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
BOOK = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def commands() -> list[str]:
    root = typer.main.get_command(app)
    found = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [f"cm {name} {sub}" for sub in inner] if inner else [f"cm {name}"]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str):
    assert f"`{command}" in BOOK


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_documented(setting: str):
    assert f"`CM_{setting.upper()}`" in BOOK


def test_every_documented_setting_exists():
    known = {f"CM_{name.upper()}" for name in Settings.model_fields} | {"CM_CHROMIUM"}
    assert set(re.findall(r"\bCM_[A-Z_]+\b", BOOK)) <= known


def test_every_audit_tag_is_documented():
    assert [tag.value for tag in AuditTag if f"`{tag.value}`" not in BOOK] == []


def test_tests_claim_only_capabilities_of_the_register():
    assert register.unknown() == {}


def test_links_between_documents_lead_somewhere():
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} → {target}")
    assert broken == []
