"""What every feature stands on: settings, bound transactions, events, errors, guarded network."""
