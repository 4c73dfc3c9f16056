"""How clients are set up: what makes no sense is refused there, and keys are not shown."""

import ssl

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.client import Bounds, Options, aio, cluster, tx
from kapokmq.client.classic import Consumer, Producer
from kapokmq.client.cluster import ClusterOptions
from kapokmq.client.cluster import tx as cluster_tx
from kapokmq.client.options import session_of

URL = "ws://127.0.0.1:9"
NO_TIME = (0, -1, float("nan"), float("inf"), None, "1")


class OptionsTests(SynchronousTestCase):
    def refused(self, make, name, value):
        with self.assertRaises((ValueError, TypeError), msg=f"{name}={value!r} was taken") as caught:
            make(**{name: value})
        self.assertTrue(str(caught.exception).startswith(f"{name}: "), caught.exception)

    def test_what_makes_no_sense_is_named(self):
        for make in (Options, ClusterOptions):
            for name in ("patience", "heartbeat", "first_wait", "longest_wait"):
                for value in NO_TIME:
                    self.refused(make, name, value)
            for name, value in (("linger", -1), ("absence", -1), ("tries", 0), ("on_state", "x")):
                self.refused(make, name, value)
            make(linger=0, absence=0, tries=1, first_wait=0.1, on_state=print)
        self.refused(ClusterOptions, "move_after", -1)
        self.refused(ClusterOptions, "poll_every", 0)
        ClusterOptions(move_after=0)

    def test_the_client_is_not_made(self):
        for name, value in (("bounds", None), ("bounds", Bounds(messages=0)), ("session", "a\nb"), ("key", b"k")):
            self.refused(lambda **options: session_of(Options(**options)), name, value)
            self.refused(lambda **options: cluster.aio.Cluster(nodes=[URL], **options), name, value)

    def test_subscriptions(self):
        client = tx.connect(URL)
        for name, value in (("touch_every", 0), ("credit", -1)):
            self.refused(lambda **options: client.subscribe("t", **options), name, value)
        for make in (client.handler, aio.Client.handler):
            given = () if make == client.handler else (None,)
            self.refused(lambda make=make, given=given, **options: make(*given, "t", **options), "concurrency", 0)

    def test_twisted_takes_no_ssl(self):
        context = ssl.create_default_context()
        for make in (tx.connect, lambda _, **options: cluster_tx.Cluster(nodes=[URL], **options)):
            self.refused(lambda make=make, **options: make(URL, **options), "ssl", context)

    def test_keys_are_not_shown(self):
        place = {"MqAddr": "h", "MqPort": 1, "Topic": "t", "SecretKey": "s3cret"}
        for shown in (
            Options(key="s3cret"),
            ClusterOptions(key="s3cret", registry_key="s3cret", nodes=[URL]),
            Producer(ProducerId="p", **place),
            Consumer(ConsumerId="c", **place),
            vars(session_of(Options(key="s3cret"))),
        ):
            self.assertNotIn("s3cret", repr(shown))
