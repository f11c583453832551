"""Matching: the two-tower model, how it is trained and measured, and how it serves."""
