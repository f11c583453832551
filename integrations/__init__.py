"""Doors and adapters to other systems: Keycloak and mail."""
