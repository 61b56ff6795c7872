"""Test messages: a step's words to the team's own addresses, changing nothing else (CNT-5)."""
