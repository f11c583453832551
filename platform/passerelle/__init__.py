"""The product and its kernel. Knows nothing of the rooms above it."""
