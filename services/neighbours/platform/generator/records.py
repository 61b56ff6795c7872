"""What happened to people: consents, visits, opportunities, proposals, engagement, plans (pure)."""

from dataclasses import dataclass, field

from services.kit.chance import Chance, hex_id
from services.neighbours.platform.generator import words
from services.neighbours.platform.generator.people import DAY, Person, stamp
from services.neighbours.platform.generator.visits import Visits

Row = tuple[str | None, ...]

MARKETING_RATE = {
    "patient": {"email": 0.62, "sms": 0.5, "whatsapp": 0.55, "in_app": 0.82},
    "lead": {"email": 0.78, "sms": 0.45, "whatsapp": 0.4, "in_app": 0.0},
    "partner": {"email": 0.9, "sms": 0.0, "whatsapp": 0.0, "in_app": 0.0},
}
SERVICE_RATE = {"email": 0.92, "sms": 0.86}
REVOKED_RATE = 0.07
METHODS = {
    "patient": ("registration_form", "reception", "app"),
    "lead": ("web_form", "phone"),
    "partner": ("email",),
}
EVIDENCE = {
    "registration_form": "Ticked on the signed registration form",
    "reception": "Asked and noted at reception",
    "app": "Switched on in the patient app",
    "web_form": "Ticked on the website's enquiry form",
    "phone": "Asked on a recorded call",
    "email": "Agreed by email",
}

COLUMNS: dict[str, tuple[str, ...]] = {
    "consent": ("contact_id", "channel", "purpose", "state", "method", "evidence", "effective_at"),
    "consent_history": (
        "consent_event_id", "contact_id", "channel", "purpose", "state", "method", "evidence",
        "effective_at", "recorded_at",
    ),
    "appointment": (
        "appointment_id", "contact_id", "kind", "treatment", "status", "booked_at", "starts_at", "value",
    ),
    "opportunity": (
        "opportunity_id", "contact_id", "stack", "stage", "outcome", "treatment", "value", "opened_at",
        "closed_at", "deferred_until",
    ),
    "proposal": ("proposal_id", "contact_id", "status", "treatment", "value", "created_at", "status_at"),
    "engagement": ("engagement_id", "contact_id", "kind", "channel", "at"),
    "loyalty": ("contact_id", "tier", "points", "joined_on"),
    "care_plan": ("contact_id", "plan", "status", "started_on"),
}  # fmt: skip


@dataclass
class Records:
    """Rows of every table about people, gathered for one chunk."""

    chance: Chance
    now: int
    visits: Visits
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def add(self, person: Person) -> None:
        """Everything about one person. A lead's status follows its opportunity."""
        consented = self._consents(person)
        if person.kind == "patient":
            self.rows["appointment"] += self.visits.of(self.chance, person)
            self._plans(person)
        if person.kind == "lead" or (person.kind == "patient" and person.adult and self._hit(0.14)):
            self._opportunity(person)
        if consented:
            self._engagement(person, consented)

    def _hit(self, rate: float) -> bool:
        return self.chance.random() < rate

    def _between(self, start: int, end: int) -> int:
        return self.chance.randint(start, max(start, end)) // 60 * 60

    # --- consent --------------------------------------------------------------------------------
    def _consents(self, person: Person) -> list[str]:
        """Channels with marketing consent now. Children have none: nobody markets to them."""
        if not person.adult:
            return []
        reach = {
            "email": person.email is not None,
            "sms": person.phone is not None and person.phone.startswith(words.MOBILE),
            "whatsapp": person.whatsapp,
            "in_app": person.app_user,
        }
        rates = MARKETING_RATE[person.kind]
        granted = [
            channel
            for channel, reachable in reach.items()
            if reachable and self._hit(rates[channel]) and self._consent(person, channel, "marketing")
        ]
        if person.kind == "patient":
            for channel, rate in SERVICE_RATE.items():
                if reach[channel] and self._hit(rate):
                    self._consent(person, channel, "service")
        return granted

    def _consent(self, person: Person, channel: str, purpose: str) -> bool:
        """Write the current state and its history; says whether it is granted."""
        method = self.chance.choice(METHODS[person.kind])
        at = person.registered
        self._consent_event(person, channel, purpose, "granted", method, at)
        revoked = purpose == "marketing" and self._hit(REVOKED_RATE)
        if revoked:
            method, at = "preference_page", self._between(person.registered, self.now - 60)
            self._consent_event(person, channel, purpose, "revoked", method, at)
        state = "revoked" if revoked else "granted"
        evidence = EVIDENCE.get(method, "Changed on the preference page")
        self.rows["consent"].append((person.contact_id, channel, purpose, state, method, evidence, stamp(at)))
        return not revoked

    def _consent_event(
        self, person: Person, channel: str, purpose: str, state: str, method: str, at: int
    ) -> None:
        evidence, when = EVIDENCE.get(method, "Changed on the preference page"), stamp(at)
        self.rows["consent_history"].append(
            (hex_id(self.chance, at), person.contact_id, channel, purpose, state, method, evidence, when, when)
        )  # fmt: skip

    # --- pipeline ---------------------------------------------------------------------------------
    def _opportunity(self, person: Person) -> None:
        (stack,) = self.chance.choices(words.STACKS.values, cum_weights=words.STACKS.cumulative)
        treatment, price = self.chance.choice(words.STACK_TREATMENTS[stack])
        earliest = (
            person.registered if person.kind == "lead" else max(person.registered, self.now - 540 * DAY)
        )
        opened = self._between(earliest, min(self.now - 3_600, earliest + 400 * DAY))
        if person.kind == "lead":
            opened = person.registered
        stage, outcome = self._stage((self.now - opened) // DAY)
        value = round(price * self.chance.uniform(0.85, 1.2))
        closed = stamp(self._between(opened, self.now)) if outcome not in ("open", "deferred") else None
        deferred = (
            stamp(self.now + self.chance.randint(14, 200) * DAY)[:10] if outcome == "deferred" else None
        )
        self.rows["opportunity"].append(
            (hex_id(self.chance, opened), person.contact_id, stack, stage, outcome, treatment, str(value),
             stamp(opened), closed, deferred)
        )  # fmt: skip
        if person.kind == "lead":
            person.lead_status = stage
        if stage in ("proposal_sent", "negotiation", "won", "lost") and self._hit(0.8):
            self._proposal(person, treatment, value, opened, outcome)

    def _stage(self, age_days: int) -> tuple[str, str]:
        """Stage and outcome: young records are open, old ones mostly closed."""
        if self._hit(max(0.12, 0.9 - age_days / 160)):
            stages = ("new", "contacted", "qualified", "consultation_booked", "proposal_sent", "negotiation")
            weights = (30, 28, 16, 10, 10, 6) if age_days < 30 else (8, 26, 22, 12, 18, 14)
            return self.chance.choices(stages, weights)[0], "open"
        closings = (
            ("won", "won"), ("lost", "lost"), ("on_hold", "deferred"), ("disqualified", "withdrawn"),
            ("won", "won_future_potential"),
        )  # fmt: skip
        return self.chance.choices(closings, (34, 38, 13, 10, 5))[0]

    def _proposal(self, person: Person, treatment: str, value: int, opened: int, outcome: str) -> None:
        created = self._between(opened, min(self.now - 60, opened + 21 * DAY))
        old = self.now - created > 30 * DAY
        status = {"won": "accepted", "won_future_potential": "accepted", "lost": "declined"}.get(
            outcome, "stalled" if old else "created"
        )
        decided = created if status == "created" else self._between(created, self.now)
        self.rows["proposal"].append(
            (hex_id(self.chance, created), person.contact_id, status, treatment, str(value),
             stamp(created), stamp(decided))
        )  # fmt: skip

    # --- engagement and plans -----------------------------------------------------------------------
    def _engagement(self, person: Person, channels: list[str]) -> None:
        start = max(person.registered, self.now - 365 * DAY)
        for _ in range(self.chance.choices((0, 1, 2, 4, 6), (30, 25, 22, 15, 8))[0]):
            channel = self.chance.choice(channels)
            at = self._between(start, self.now - 60)
            self._engaged(person, "messaged", channel, at)
            if not self._hit(0.42):
                continue
            at = min(self.now, at + self.chance.randint(60, 2 * DAY))
            self._engaged(person, "opened", channel, at)
            if self._hit(0.24):
                self._engaged(person, "clicked", channel, min(self.now, at + self.chance.randint(5, 600)))
            if self._hit(0.05):
                self._engaged(person, "replied", channel, min(self.now, at + self.chance.randint(60, DAY)))

    def _engaged(self, person: Person, kind: str, channel: str, at: int) -> None:
        self.rows["engagement"].append((hex_id(self.chance, at), person.contact_id, kind, channel, stamp(at)))

    def _plans(self, person: Person) -> None:
        if not person.adult:
            return
        if self._hit(0.3):
            points = int(self.chance.expovariate(1 / 240))
            tier = "gold" if points > 600 else "silver" if points > 200 else "bronze"
            joined = stamp(self._between(person.registered, self.now))[:10]
            self.rows["loyalty"].append((person.contact_id, tier, str(points), joined))
        if self._hit(0.24):
            status = self.chance.choices(("eligible", "active", "lapsed"), (40, 50, 10))[0]
            plan = self.chance.choice(("Essential care", "Complete care", "Family care"))
            began = None if status == "eligible" else stamp(self._between(person.registered, self.now))[:10]
            self.rows["care_plan"].append((person.contact_id, plan, status, began))
