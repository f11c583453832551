"""What the worker does for organisations: importing this registers their clocks."""

from tenants.organisations import erasure, sign_up

__all__ = ["erasure", "sign_up"]
