"""A client of the classic wire, to our brokers and the original's."""
