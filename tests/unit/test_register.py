"""`cm capabilities` finds every claim in the tests' source."""

from pathlib import Path

from cm_app import register

SAMPLE = """
import pytest
pytestmark = [pytest.mark.covers("LIF-1"), pytest.mark.e2e]

@pytest.mark.covers("SUP-1", "SUP-2")
async def test_a(): ...

@pytest.mark.covers("ENG-1")
class TestB:
    @pytest.mark.covers("ENG-2")
    def test_c(self): ...
"""


def test_claims_of_modules_classes_and_functions_are_found(tmp_path: Path):
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_x.py").write_text(SAMPLE)
    assert register.claimed(folder) == {
        "LIF-1": ["tests/test_x.py"],
        "SUP-1": ["tests/test_x.py::test_a"],
        "SUP-2": ["tests/test_x.py::test_a"],
        "ENG-1": ["tests/test_x.py::TestB"],
        "ENG-2": ["tests/test_x.py::TestB::test_c"],
    }


def test_the_register_is_read_whole():
    every = register.register()
    assert len(every) == 101
    assert len({capability.id for capability in every}) == 101
    assert all(capability.words.endswith(".") for capability in every)
