"""`make setup`: everything the other commands need, from nothing but Python and `make`.

Standard library only, and run by the system's Python: nothing is installed yet.
"""
