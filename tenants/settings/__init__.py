"""Settings of an organisation: a form, a test, a history and an undo for each; branding, languages."""
