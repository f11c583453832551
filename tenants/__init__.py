"""Who is asking, in which organisation, under which plan; what is on record."""
