"""What tests of a running node share: a broker, its API, a v2 client, and a kill between two looks."""

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.api_v1 import ApiV1
from tests.integration.broker import start
from tests.integration.wire_v2 import V2, Refused


class Live(SynchronousTestCase):
    """Each has a broker with one client."""

    settings = {}  # noqa: RUF012 -- never changed

    def setUp(self):
        self.begin(start(self, **self.settings))

    def begin(self, broker):
        """Use this one."""
        self.broker, self.api, self.client = broker, ApiV1(broker), V2(self, broker.port)

    def again(self):
        """Kill it, and start on the same store."""
        self.broker.kill()
        self.begin(start(self, self.broker.folder, **self.settings))

    def near(self, found, wanted, most):
        """Two times differ by so many seconds at most."""
        self.assertLessEqual(abs(found - wanted), most)

    def gone(self, client, sub):
        """The subscription is over, and the connection is not."""
        client.until(lambda: sub in client.ended)
        self.assertEqual(client.ended.pop(sub)["code"], "gone")
        with self.assertRaises(Refused) as refused:
            client.ask("credit", sub=sub, n=1)
        self.assertEqual(refused.exception.code, "unknownSub")
