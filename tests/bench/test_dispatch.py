"""The benchmark runs to its end, compares what it says it compares, and leaves balanced books."""

import pytest

from cm_app.bench import dispatch


@pytest.mark.covers("ENG-1")
def test_the_dispatch_benchmark_runs_small(capsys: pytest.CaptureFixture[str]):
    figures = dispatch.main(2_000, 2)
    assert figures["moved"] >= 2_000
    assert 0.9 * figures["moved"] < figures["requested"] < figures["moved"], "some are refused, few"
    assert figures["ratio_to_hand_written"] > 0
    assert figures["ratio_to_raw"] > 0
    assert figures["hand_written_requested"] == pytest.approx(0.975, abs=0.02)
    assert '"bench":"dispatch"' in capsys.readouterr().out


@pytest.mark.covers("ENG-1")
def test_the_long_run_keeps_people_due(capsys: pytest.CaptureFixture[str]):
    figures = dispatch.main(2_000, 2, 0.005, True)
    assert figures["steps_per_minute"] > 0
    assert figures["beside_reader_per_minute"] > 0
    assert "slowdown" in figures
