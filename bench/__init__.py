"""Benchmarks: real brokers as processes, driven over real sockets from this one."""
