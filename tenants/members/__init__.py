"""Members of an organisation: roles, units, invitations, imports, and looking as someone else."""
