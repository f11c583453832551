"""What a new tenant begins with."""
