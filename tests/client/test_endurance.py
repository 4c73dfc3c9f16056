"""How long a client goes on dialling: pure, and each face with nobody there."""

import time

from twisted.trial.unittest import SynchronousTestCase, TestCase

from kapokmq.client import Unreachable
from kapokmq.client.endurance import Endurance
from tests.cli.servers import nobody
from tests.client.contract import QUICK, in_thread
from tests.client.faces import Aio, Blocking, Tx
from tests.integration.broker import start


class EnduranceTests(SynchronousTestCase):
    def test_so_many_dials_before_there_was_a_broker(self):
        endurance = Endurance(2, None)
        self.assertEqual([endurance.failed() for _ in range(3)], [False, True, False])
        endurance = Endurance(1, None)
        endurance.there()
        self.assertEqual((endurance.failed(), endurance.away(7.0, 0.0)), (False, 7.0))

    def test_so_long_an_absence_later(self):
        endurance = Endurance(None, 10.0)
        self.assertEqual(endurance.away(30.0, 0.0), 30.0)
        endurance.there()
        self.assertEqual([endurance.away(4.0, now) for now in (100.0, 104.0, 108.0, 110.0)], [4.0, 4.0, 2.0, None])
        endurance.there()
        self.assertEqual(endurance.away(4.0, 200.0), 4.0)


class FaceTests(TestCase):
    timeout = 60

    def connect(self, face, port, **options):
        return face(self, f"ws://127.0.0.1:{port}", **({"key": "test", "patience": 40.0} | QUICK | options))

    @in_thread
    def test_one_dial(self):
        for face in (Blocking, Aio, Tx):
            began = time.monotonic()
            with self.assertRaises(Unreachable) as caught:
                self.connect(face, nobody(), tries=1)
            self.assertLess(time.monotonic() - began, 20)
            self.assertIn("Refused", type(caught.exception.__cause__).__name__)

    @in_thread
    def test_away_for_too_long(self):
        for face in (Aio, Tx):
            broker = start(self)
            peer = self.connect(face, broker.port, tries=1, absence=0.5)
            subscription = peer.subscribe("t", group="g")
            broker.kill()
            begun = peer.begin("publish", "t", "lost")
            for fails in (begun.result, lambda peer=peer, waits=subscription: peer.get(waits)):
                with self.assertRaisesRegex(Unreachable, "away for 0.5 s"):
                    fails()

    @in_thread
    def test_back_in_time(self):
        for face in (Aio, Tx):
            broker = start(self)
            peer = self.connect(face, broker.port, tries=1, absence=40.0)
            broker.kill()
            begun = peer.begin("publish", "t", "kept")
            start(self, broker.folder, SERVER_PORT=broker.port)
            self.assertEqual(begun.result().durable, "fsync")
