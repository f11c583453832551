"""The demo: what it starts beside the product, and the story it plays."""
