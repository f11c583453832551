"""What is on record in an organisation: who did what, when, why; and what was refused."""
