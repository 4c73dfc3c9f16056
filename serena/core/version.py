"""Which version this is; Serena's is KapokMQ's, since they come together."""

VERSION = "0.1.0"
