"""How registries are asked."""

import json

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.backoff import Backoff
from kapokmq.core.client.cluster import asking
from kapokmq.core.client.cluster.asking import Place, Registries, place
from kapokmq.core.client.cluster.roster import BadAnswer
from kapokmq.core.client.errors import WrongKey
from tests.core.client.cluster.test_roster import A, news, row, snapshot

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
PLAIN = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"
LISTED = json.dumps([{"Name": f"mq:{A}", "Addr": "10.0.0.1", "Port": "8011"}]).encode()


def answer(status, kind="text/plain", body=b""):
    return f"HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\n\r\n".encode() + body


class RegistriesTests(SynchronousTestCase):
    def registries(self, *urls, key="k"):
        return Registries(urls or ["http://r1:8031", "http://r2:8031/serena/"], key, Backoff(lambda: 1.0))

    def asked(self, registries):
        where, request = registries.ask()
        return where.url, request.decode().partition(" HTTP/1.0\r\n")[0]

    def test_places(self):
        self.assertEqual(place("http://[::1]:8031"), Place("http://[::1]:8031", "::1", 8031, False, ""))
        self.assertEqual(place("https://r/x/")[1:], ("r", 443, True, "/x"))
        self.assertEqual(place("http://r")[1:], ("r", 80, False, ""))
        for wrong in ("ws://r", "http://", "r:8031"):
            with self.assertRaises(ValueError):
                place(wrong)
        with self.assertRaises(ValueError):
            self.registries(key="a\r\nb")
        self.assertFalse(self.registries().secure)
        self.assertTrue(self.registries("http://r1", "https://r2").secure)
        with self.assertRaises(ValueError):
            Registries([], None, Backoff(lambda: 1.0))

    def test_what_is_written(self):
        _, request = self.registries("http://[::1]:8031").ask()
        wanted = "GET /api/v1/watch HTTP/1.0\r\nHost: [::1]:8031\r\nConnection: close\r\nsecretKey: k\r\n\r\n"
        self.assertEqual(request.decode(), wanted)
        _, request = self.registries(key=None).ask()
        self.assertNotIn(b"secretKey", request)

    def test_the_first_is_watched_and_when_it_ends_the_next(self):
        registries = self.registries()
        self.assertEqual(self.asked(registries), ("http://r1:8031", "GET /api/v1/watch"))
        said = STREAM + snapshot(row(A))
        heard = [each for byte in said for each in registries.received(bytes([byte]))]
        self.assertEqual(heard, [news(A, whole=True)])
        self.assertEqual(registries.over(), ([], 0.1))
        self.assertIn("http://r1:8031: the connection ended", registries.reason)
        self.assertEqual(self.asked(registries), ("http://r2:8031/serena/", "GET /serena/api/v1/watch"))
        self.assertEqual(registries.over("ConnectionRefusedError: no"), ([], 0.2))
        self.assertIn("r2:8031/serena/: ConnectionRefusedError: no", registries.reason)
        self.asked(registries)
        registries.received(said)
        self.assertEqual(registries.over("reset"), ([], 0.1))

    def test_one_without_a_watch_is_asked_again_and_again(self):
        registries = self.registries()
        self.asked(registries)
        self.assertEqual(registries.received(answer(404)), [])
        self.assertIsNotNone(registries.fault)
        self.assertEqual(registries.over(), ([], 0.0))
        self.assertIsNone(registries.fault)
        for _ in range(3):
            self.assertEqual(self.asked(registries), ("http://r1:8031", "POST /Registry/GetNodes"))
            self.assertEqual(registries.received(PLAIN + LISTED[:9]) + registries.received(LISTED[9:]), [])
            self.assertEqual(registries.over(), ([news(A, whole=True)], 1.0))
        self.asked(registries)
        self.assertEqual(registries.over()[0], [])
        self.assertEqual(self.asked(registries)[1], "GET /serena/api/v1/watch")

    def test_a_page_that_is_no_stream_is_no_watch(self):
        registries = self.registries()
        self.asked(registries)
        registries.received(answer(200, "text/html"))
        registries.over()
        self.assertEqual(self.asked(registries)[1], "POST /Registry/GetNodes")

    def test_what_no_registry_says(self):
        self.patch(asking, "LONGEST", 1000)
        for said in (b"x" * ((1 << 16) + 1), b"SSH-2.0\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", STREAM + b"event: join\n\n"):
            registries = self.registries()
            self.asked(registries)
            registries.received(said)
            self.assertIsInstance(registries.fault, BadAnswer)
            registries.received(said)
            self.assertEqual(registries.over("closed by us"), ([], 0.1))
            self.assertNotIn("closed by us", registries.reason)
        for said in (PLAIN + b"x" * 1001, answer(500), PLAIN + b"{"):
            registries = self.registries("http://r1:8031")
            self.asked(registries)
            registries.received(answer(404))
            registries.over()
            self.asked(registries)
            registries.received(said)
            self.assertEqual(registries.over(), ([], 0.1))
            self.assertIsInstance(registries.fault, BadAnswer)

    def test_a_wrong_key_is_final_if_all_say_so(self):
        registries = self.registries()
        for status in (401, 403):
            self.assertIsNone(registries.refused)
            self.asked(registries)
            registries.received(answer(status))
            registries.over()
        self.assertIsInstance(registries.refused, WrongKey)
        self.asked(registries)
        self.assertIsNone(registries.refused)
        registries.received(STREAM + snapshot())
        registries.over()
        self.asked(registries)
        registries.received(answer(401))
        registries.over()
        self.assertIsNone(registries.refused)
