"""The intake worker of `cm bench intake`: the product's own process, which also notes when each
entry of a stream was acknowledged. That is the line after its transaction's commit returned.

Written to the file named on the command line when the worker is told to stop.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from cm_app.workers.__main__ import run
from services.kit.bus import Consumer, Received
from services.kit.clock import SystemClock


def main(notes: Path) -> None:
    clock, noted = SystemClock(), dict[str, float]()
    acknowledge = Consumer.ack

    async def noting(self: Consumer, entries: Sequence[Received]) -> None:
        at = clock.now().timestamp() * 1000
        noted.update({f"{entry.source} {entry.entry_id}": at for entry in entries})
        await acknowledge(self, entries)

    Consumer.ack = noting  # type: ignore[method-assign]
    run("intake")
    notes.write_bytes(orjson.dumps(noted))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
