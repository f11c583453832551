"""Exams: forms of live items, attempts with autosaved answers, scores."""
