"""Mail to persons: handing messages to the operator's server, and the messages themselves."""
