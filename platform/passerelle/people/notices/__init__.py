"""Notices: what a person should know, shown in the product and mailed as they choose."""
