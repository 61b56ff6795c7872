"""The workers of `cm bench intake` that read events, `intake` and `notices`: the product's own, which also
note when each entry of a stream was acknowledged. That is the line after its transaction's commit returned.

Written to the file named second on the command line when the worker is told to stop.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from cm_app.workers.__main__ import run
from services.intake.notices import Notices
from services.kit.bus import Consumer, Received
from services.kit.clock import SystemClock


def main(part: str, notes: Path) -> None:
    clock, noted = SystemClock(), dict[str, float]()
    acknowledge = Consumer.ack

    def note(entries: Sequence[Received]) -> None:
        at = clock.now().timestamp() * 1000
        noted.update({f"{entry.source} {entry.entry_id}": at for entry in entries})

    async def noting(self: Consumer, entries: Sequence[Received]) -> None:
        note(entries)
        await acknowledge(self, entries)

    async def in_effect(_: Notices, entries: Sequence[Received]) -> None:
        note(entries)

    if part == "notices":  # acknowledged later, when it is on the disk
        Notices.in_effect = in_effect  # type: ignore[method-assign]
    else:
        Consumer.ack = noting  # type: ignore[method-assign]
    run(part)
    notes.write_bytes(orjson.dumps(noted))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
