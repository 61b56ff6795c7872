"""What would happen: the forecast of a journey, and the walk of one person through it."""

from components.forecast.page import forecast
from components.forecast.walk import walk

__all__ = ["forecast", "walk"]
