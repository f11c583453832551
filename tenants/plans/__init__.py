"""Plans: what an organisation may use, what it uses, and the monthly statement of it."""
