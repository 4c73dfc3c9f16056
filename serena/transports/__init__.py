"""Twisted carries the bytes."""
