"""What the worker does for organisations: importing this registers their clocks."""

from tenants.organisations import erasure

__all__ = ["erasure"]
