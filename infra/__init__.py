"""Processes and machines: composition, migrations, embedded servers, deployment."""
