"""Tells twistd of Serena. It imports nothing of ours: twistd has not chosen its reactor yet when it reads this."""

from twisted.application.service import ServiceMaker

serena = ServiceMaker("Serena", "serena.tap", "Run one Serena registry.", "serena")
