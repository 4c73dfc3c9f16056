"""Tells twistd of KapokMQ. It imports nothing of ours: twistd has not chosen its reactor yet when it reads this."""

from twisted.application.service import ServiceMaker

kapokmq = ServiceMaker("KapokMQ", "kapokmq.tap", "Run one KapokMQ broker node.", "kapokmq")
