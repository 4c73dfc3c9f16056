"""What registries say."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.cluster import roster
from kapokmq.core.client.cluster.roster import BadAnswer, News, Watch, nodes
from kapokmq.core.client.errors import ClientError, WrongKey

A, B = "10.0.0.1:8011", "10.0.0.2:8011"


def row(address, state="alive", kind="mq"):
    return {"name": f"{kind}:{address}", "state": state, "kind": kind, "port": 1}


def event(kind, data):
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def snapshot(*rows, more=False, anew=True):
    return event("snapshot", {"members": rows, "more": more, "anew": anew})


def news(*here, away=(), whole=False):
    return News(frozenset(here), frozenset(away), whole)


class WatchTests(SynchronousTestCase):
    def test_a_snapshot_and_changes(self):
        said = b": welcome\n\n" + snapshot(row(A), row(B, "dead"), row("10.0.0.9:8031", kind="r")) + b": ping\n\n"
        said += event("update", row(A, "suspect")) + event("fail", row(A, "dead")) + event("join", row(B))
        said += event("leave", row(B, "left")) + event("later", {"what": "ever"}) + event("forget", row(B, "left"))
        wanted = [news(A, away=[B], whole=True), news(A), news(away=[A]), news(B), news(away=[B]), news(away=[B])]
        for size in (1, 7, len(said)):
            watch = Watch()
            parts = [said[start : start + size] for start in range(0, len(said), size)]
            self.assertEqual([each for part in parts for each in watch.received(part)], wanted)

    def test_line_breaks_of_others(self):
        said = snapshot(row(A)).replace(b"\n", b"\r\n")
        self.assertEqual(Watch().received(said), [news(A, whole=True)])

    def test_a_snapshot_in_parts_may_begin_anew(self):
        watch = Watch()
        self.assertEqual(watch.received(snapshot(row("10.0.0.3:1"), more=True)), [])
        self.assertEqual(watch.received(snapshot(row(A), more=True)), [])
        self.assertEqual(watch.received(snapshot(row(B), anew=False)), [news(A, B, whole=True)])

    def test_names_that_are_none(self):
        rows = [row("x"), row("[::1]:80"), row("10.0.0.1:0"), {"name": "serf1", "state": "alive"}]
        self.assertEqual(Watch().received(snapshot(*rows)), [news("[::1]:80", whole=True)])

    def test_what_cant_be_read(self):
        for said in (b"event: join\ndata: {\n\n", b"event: snapshot\ndata: []\n\n", b"event: fail\n\n"):
            with self.assertRaises(BadAnswer):
                Watch().received(said)
        self.patch(roster, "LONGEST", 100)
        with self.assertRaises(BadAnswer):
            Watch().received(b"x" * 101)

    @given(st.lists(st.binary(max_size=200) | st.sampled_from([snapshot(row(A)), b"event: join\ndata:"])))
    def test_junk_is_read_or_refused(self, parts):
        watch = Watch()
        with contextlib.suppress(BadAnswer):
            for part in parts:
                watch.received(part)


class NodesTests(SynchronousTestCase):
    def listed(self, host, kind="mq"):
        return {"Name": f"{kind}:{host}:8011", "Addr": host, "Port": "8011"}

    def test_nodes(self):
        body = json.dumps([self.listed("10.0.0.1"), self.listed("::1"), self.listed("10.0.0.9", "r")]).encode()
        self.assertEqual(nodes(body), news(A, "[::1]:8011", whole=True))

    def test_none(self):
        for body in (b"null", b"", b"[]"):
            self.assertEqual(nodes(body), news(whole=True))

    def test_a_wrong_key(self):
        for body in (b'{"code":-1,"msg":"Secret key matching error"}', b'{"code":-1}'):
            with self.assertRaisesRegex(WrongKey, "key"):
                nodes(body)

    @given(st.binary(max_size=200))
    def test_junk_is_read_or_refused(self, body):
        with contextlib.suppress(ClientError):
            nodes(body)
