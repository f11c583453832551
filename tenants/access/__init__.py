"""Sessions, the guard of every route, and the transactions that handlers are given."""
