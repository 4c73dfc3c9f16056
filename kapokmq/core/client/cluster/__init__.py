"""A client of many brokers at once: which there are, who gets what, and what becomes of what a lost one had."""
