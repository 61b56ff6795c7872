"""A CRM's own export, imported, welcomed by email over real SMTP, and the way out in every mail."""

import csv
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from services.contracts.journey import ChannelContent, Entry, Exit, Journey, Message, Variant, Wait, WaitFor
from services.contracts.segment import Audience, Condition
from tests.e2e.mailbox import links

LEADS = Path(__file__).resolve().parents[3] / "shared" / "data" / "leads-100.csv"
SENT = "SELECT count(*) AS n FROM cm.dispatch WHERE practice_id = :practice AND campaign_id = :campaign AND step_id = :step AND delivered_at IS NOT NULL"
REFUSED = "SELECT count(*) AS n FROM cm.refusal WHERE practice_id = :practice AND campaign_id = :campaign AND reason = 'NO_CONSENT'"
EXITED = (
    "SELECT e.exit_reason FROM cm.enrolment e JOIN canonical.contact c USING (practice_id, contact_id)"
    " WHERE e.practice_id = :practice AND e.campaign_id = :campaign AND lower(c.email) = :email AND e.state = 'exited'"
)


def halves(folder: Path) -> tuple[Path, Path]:
    """The export as two files: one whose people agreed to email, one that says nothing of it."""
    with LEADS.open(newline="") as file:
        header, *rows = csv.reader(file)
    paths = folder / "agreed.csv", folder / "silent.csv"
    for path, part in zip(paths, (rows[:50], rows[50:]), strict=True):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *part])
    return paths


def welcome() -> Journey:
    def words(subject: str, body: str) -> list[Variant]:
        return [Variant(content={"email": ChannelContent(subject=subject, body=body)})]

    footer = "\n\n{{ practice.address }}\n\n{{ unsubscribe_url }}"
    return Journey(
        campaign_type="welcome",
        audience=Audience(kinds=["lead"], include=[Condition(field="contact.source_list", op="in", value=["agreed.csv", "silent.csv"])]),
        steps=[
            Entry(id="entry", next="welcome"),
            Message(id="welcome", channels=["email"], variants=words("Welcome, {{ contact.first_name }}", "Good to meet you, {{ contact.first_name }}." + footer), next="pause"),
            Wait(id="pause", until=WaitFor(minutes=3 * 24 * 60), next="again"),
            Message(id="again", channels=["email"], variants=words("Shall we see you?", "Book whenever it suits you." + footer), next="end"),
            Exit(id="end"),
        ],
    )  # fmt: skip


def client(site, role: str) -> httpx.Client:
    """Signed in over HTTP as one of the demo people."""
    person = site.people[role]
    session = httpx.Client(base_url=site.portal, headers={"Origin": site.portal}, timeout=30)
    session.post("/api/session", data={"login": person["login"], "password": person["password"]})
    assert session.get("/api/v1/me").status_code == 200
    return session


@pytest.mark.skipif(not LEADS.exists(), reason="the CRM export lies beside the repository")
@pytest.mark.covers("AUD-7", "SUP-6", "HUB-2", "HUB-5", "CNT-8", "GOV-5", "ENG-1", "LIF-6")
async def test_imported_leads_are_welcomed_and_can_leave(site, mailbox, cm, tmp_path: Path):
    agreed, silent = halves(tmp_path)
    declared = ["--consent", "email", "--method", "web form", "--date", "2026-05-01", "--evidence", "form 12"]
    said = cm("import", "leads", str(agreed), "--yes", *declared, home=site.home)
    assert said.returncode == 0, said.stdout + said.stderr
    said = cm("import", "leads", str(silent), "--yes", home=site.home)
    assert said.returncode == 0, said.stdout + said.stderr
    again = cm("import", "leads", str(silent), "--yes", home=site.home)
    assert again.returncode != 0
    assert "already imported" in again.stdout + again.stderr

    people = await site.until(
        lambda rows: len(rows) > 90,
        "SELECT lower(c.email) AS email, c.source_list, EXISTS (SELECT 1 FROM canonical.consent k WHERE k.practice_id = c.practice_id"
        " AND k.contact_id = c.contact_id AND k.channel = 'email' AND k.state = 'granted') AS agreed"
        " FROM canonical.contact c WHERE c.practice_id = :practice AND c.source_list IN ('agreed.csv', 'silent.csv')",
    )
    yes, no = {p.email for p in people if p.agreed}, {p.email for p in people if not p.agreed}
    assert {p.source_list for p in people if p.agreed} == {"agreed.csv"}

    with closing(client(site, "marketer")) as maya, closing(client(site, "approver")) as alex:
        made = (
            maya.post(
                "/api/v1/campaigns",
                json={"name": "Welcome the leads", "journey": welcome().model_dump(mode="json")},
            )
            .raise_for_status()
            .json()
        )
        campaign = made["campaign_id"]
        request = (
            maya.post(f"/api/v1/campaigns/{campaign}/approvals", json={"note": "Please"})
            .raise_for_status()
            .json()
        )
        assert request["audience_count"] == len(people)
        assert maya.post(f"/api/v1/approvals/{request['approval_id']}/approve", json={}).status_code == 403
        alex.post(f"/api/v1/approvals/{request['approval_id']}/approve", json={}).raise_for_status()

    first = mailbox.wait(yes, len(yes))
    assert len({to for to, _ in first}) == len(yes) == len(first)
    await site.until(lambda rows: rows[0].n == len(no), REFUSED, campaign=campaign)
    assert mailbox.to(no) == []

    leaver, mail = first[0]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    out = next(link for link in links(mail) if "/u/" in link)
    page = httpx.get(out)
    assert page.status_code == 200
    assert "unsubscribe" in page.text.lower()
    httpx.post(out, data={"List-Unsubscribe": "One-Click"}).raise_for_status()
    ended = await site.until(bool, EXITED, campaign=campaign, email=leaver.lower())
    assert ended[0].exit_reason in ("UNSUBSCRIBED", "CONSENT_REVOKED")

    site.move_clock(days=3, minutes=5)
    await site.until(lambda rows: rows[0].n == len(yes) - 1, SENT, campaign=campaign, step="again")
    assert len(mailbox.to({leaver.lower()})) == 1


SYNTHEA = LEADS.parent / "synthea"
PATIENTS = (
    "SELECT count(*) AS people, count(c.email) AS emails, bool_and(c.app_user) AS app,"
    " (SELECT count(*) FROM canonical.appointment a WHERE a.practice_id = :practice AND a.contact_id = ANY (array_agg(c.contact_id))"
    "  AND a.status = 'attended') AS visits"
    " FROM canonical.contact c WHERE c.practice_id = :practice AND c.source_system = 'synthea'"
)


@pytest.mark.skipif(not SYNTHEA.exists(), reason="the patient records lie beside the repository")
@pytest.mark.covers("AUD-7", "SRF-4")
async def test_patients_and_visits_come_in_and_are_reached_in_the_app_only(site, cm):
    said = cm("import", "synthea", str(SYNTHEA), home=site.home)
    assert said.returncode == 0, said.stdout + said.stderr
    (row,) = await site.until(lambda rows: rows[0].people > 0, PATIENTS)
    assert (row.people, row.emails, row.app, row.visits) == (27, 0, True, 604)
