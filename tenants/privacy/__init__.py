"""What is held about a person: the map, the ledger, export, erasure and retention."""
