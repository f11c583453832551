"""A year of an organisation: 2,000 people in 40 cohorts, with leavers, failures and decisions.

What a year of use leaves behind, with its moments in the past, so it is written straight into the
tables by the operator, in bulk; the rooms' own types say what each event holds. The same seed
makes the same people. What would have been carried out then (a mail, a grade) is marked as done.
"""
