"""Sign-in through Keycloak, and the administration of its organizations and accounts."""
