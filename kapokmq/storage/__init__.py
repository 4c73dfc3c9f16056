"""Where commits go: one interface, a provider in memory and one in SQLite."""
