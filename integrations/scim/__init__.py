"""Provisioning: an organisation's directory makes, changes and ends memberships over SCIM 2.0."""
