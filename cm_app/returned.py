"""`cm returned-mail`: what a mail server's pipe hands over goes to the bundled Hub (HUB-4)."""

from cm_app.console import screen
from services.bootstrap import bootstrap
from services.neighbours.hub.recipients import came_back
from services.neighbours.hub.returned import read_returned
from services.neighbours.hub.wiring import build

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits: the mail server keeps the mail and comes again."""
WORDS = {
    "taken": "Reported.",
    "known": "This was reported before.",
    "unknown": "No message of ours came back.",
    "early": "The message is still being handed over; try again.",
    "no report": "This is no report of a bounce or a complaint.",
}


async def take(raw: bytes, recipient: str = "") -> int:
    """Settle one returned mail; returns the exit code."""
    here = bootstrap(role="cm_hub")
    try:
        hub = build(
            settings=here.settings, clock=here.clock, keyring=here.keyring, bus=here.bus, uow=here.uow,
            relay=here.relay,
        )  # fmt: skip
        found = read_returned(raw, recipient)
        settled = "no report" if found is None else await came_back(hub, found)
    finally:
        await here.close()
    screen.print(WORDS[settled])
    return TRY_AGAIN if settled == "early" else 0
