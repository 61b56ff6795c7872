"""`cm prove races`, small: two rounds are run, judged and told."""

import orjson
import pytest

from cm_app import races


@pytest.mark.covers("SUP-1")
def test_a_short_proof_holds_and_says_so(capsys: pytest.CaptureFixture[str]):
    figures = races.main(50, events=15, people=6)
    assert figures.holds
    assert figures.operations >= 50
    assert figures.events == 15 * figures.rounds
    told = orjson.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["prove"], told["violations"], told["operations"]) == ("races", 0, figures.operations)
