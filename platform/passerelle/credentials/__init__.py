"""Achievements, and the credentials people earned: Open Badges 3.0, signed by the tenant."""
