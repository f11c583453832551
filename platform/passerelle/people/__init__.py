"""What belongs to a person: profile, and what they share, with whom, until when."""
