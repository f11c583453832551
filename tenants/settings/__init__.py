"""Settings of an organisation: form, test, history and undo of each; branding and languages."""
