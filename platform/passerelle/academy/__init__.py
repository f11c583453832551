"""The academy: certification paths, their levels and modules, study, and where a learner stands."""
