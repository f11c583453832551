"""What the worker does for organisations: importing this registers their clocks."""

from tenants.organisations import erasure, hosts, sign_up

__all__ = ["erasure", "hosts", "sign_up"]
