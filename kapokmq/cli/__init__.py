"""The command line, `kapokmq`."""
