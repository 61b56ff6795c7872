"""Who writes what into the book: for every member of the closed vocabulary, the act that writes it.

Each act drives the product itself (a service, a route, a tick, an event on the bus) and says what its row must
hold. `tests/integration/test_every_act.py` reads the row back and compares.
"""

from tests.factories.acts import access, campaigns, engine, inspection, signals
from tests.factories.acts.stage import TABLE, Row, Stage

__all__ = ["TABLE", "Row", "Stage", "access", "campaigns", "engine", "inspection", "signals"]
