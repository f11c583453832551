"""Files of tenants and persons: bytes in an object store, names and sizes in the database."""
