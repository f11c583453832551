"""`python -m infra.commands` is the same as `passerelle`."""

from infra.commands import main

main()
