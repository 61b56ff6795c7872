"""The template gallery (BLD-11): journeys as data files, so new ones need no code."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, ValidationError

from services.contracts.envelope import Strict
from services.contracts.journey import Journey
from services.kit.errors import Invalid, NotFound

FOLDER = Path(__file__).parent / "gallery_journeys"


class GalleryTemplate(Strict):
    """One ready-made journey. `name` and `goal` are what a busy person reads first."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    order: int = 100
    name: str
    goal: str
    description: str
    audience_sentence: str
    journey: Journey


@lru_cache
def read(folder: Path) -> tuple[GalleryTemplate, ...]:
    """Every journey of a folder, read once a process. Raises Invalid naming a file that is none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(GalleryTemplate.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            raise Invalid(
                f"{path.name} is not a journey for the gallery: {error.errors()[0]['msg']}."
            ) from error
    keys = [one.key for one in found]
    if len(set(keys)) < len(keys):
        raise Invalid("Two journeys of the gallery have the same key.")
    return tuple(sorted(found, key=lambda t: (t.order, t.key)))


def templates() -> list[GalleryTemplate]:
    """Every template, in the order a practice is most likely to want them."""
    return list(read(FOLDER))


def template(key: str) -> GalleryTemplate:
    """One template. Raises NotFound."""
    for found in read(FOLDER):
        if found.key == key:
            return found
    raise NotFound(f"There is no campaign template called “{key}”.")
