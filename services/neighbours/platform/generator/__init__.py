"""A realistic practice made from a seed, streamed into the shared data model."""

from services.neighbours.platform.generator.service import Progress, generate, practice_id_for

__all__ = ["Progress", "generate", "practice_id_for"]
