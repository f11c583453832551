"""Serving: stored vectors in, ranked people and explanations out. No torch in here."""
