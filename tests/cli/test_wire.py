"""Who can't be spoken v2 with, and what is said of that; what becomes of other errors; what is told meanwhile."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq import client
from kapokmq.cli.exits import BUSY, NO, REFUSED, UNREACHABLE, Ended, Unreachable
from kapokmq.cli.wire import ended, options, speaking, teller
from kapokmq.core.client.errors import refused
from tests.cli.servers import Scripted, nobody, target
from tests.cli.servers import speaking as saying


class ConnectTests(SynchronousTestCase):
    def refused(self, port, says, **given):
        there = target(port, **given)
        with self.assertRaisesRegex(Unreachable, says), speaking(there):
            client.connect(there.socket_url, **options(there, "test", 60.0))

    def test_who_is_no_broker(self):
        self.refused(nobody(), "nobody listens there")
        self.refused(saying(self, b"SSH-2.0-x\r\n"), "did not receive a valid HTTP response.*is it a broker")
        self.refused(saying(self, b""), "lost|is it a broker")
        self.refused(saying(self, None), "no answer within 0.05 s", timeout=0.05)
        self.refused(Scripted(self, {}).port, "refuses the upgrade: 404")
        self.refused(Scripted(self, {}).port, "does not speak TLS", scheme="wss")


class ErrorTests(SynchronousTestCase):
    def test_what_a_command_ends_with(self):
        for error, code, says in (
            (refused("paused", "it is", None, 2.0), BUSY, r"^paused: it is \(try again in 2 s\)$"),
            (refused("gone", "deleted"), NO, "^gone: deleted$"),
            (refused("unauthorized", "wrong key"), REFUSED, "wrong key. Give the node's key in"),
            (client.Unreachable("away for 60 s: cut"), UNREACHABLE, "^ws://127.0.0.1:1/v2: away for 60 s: cut$"),
            (client.Closed("closed"), UNREACHABLE, "closed$"),
        ):
            found = ended(target(1), error)
            self.assertEqual(found.exit_code, code)
            self.assertRegex(found.format_message(), says)

    def test_a_host_with_several_addresses(self):
        error = client.Unreachable("Multiple exceptions")
        error.__cause__ = OSError("Multiple exceptions: [Errno 111] Connect ('::1'), [Errno 111] Connect ('127.0.0.1')")
        self.assertIn("nobody listens there", ended(target(1), error).message)
        error.__cause__ = OSError("Multiple exceptions: [Errno 111] Connect ('::1'), [Errno 113] Connect ('127.0.0.1')")
        self.assertIn("[Errno 113]", ended(target(1), error).message)

    def test_what_several_tasks_raise(self):
        for raised, wanted in ((refused("full", "it is"), Ended), (ValueError("a bug"), ValueError)):
            with self.assertRaises(wanted), speaking(target(1)):
                raise BaseExceptionGroup("tasks", [BaseExceptionGroup("inner", [raised]), KeyError("second")])


class TellerTests(SynchronousTestCase):
    def test_what_people_are_told(self):
        said = []
        told = teller(target(1), said.append)
        told(client.State("connected", "node"))
        self.assertEqual(said, [])
        told(client.State("lost", "it was cut", 0.26))
        told(client.State("connected", "node"))
        told(client.State("draining", "it stops"))
        told(client.State("closed", "by us"))
        where = "ws://127.0.0.1:1/v2"
        self.assertEqual(
            said,
            [
                f"{where}: it was cut; trying again in 0.3 s",
                f"{where}: connected again",
                f"{where} drains: it stops",
            ],
        )
