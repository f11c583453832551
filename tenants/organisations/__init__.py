"""How an organisation is made, is put together, is suspended, and ends."""
