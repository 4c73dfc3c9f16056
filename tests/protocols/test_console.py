"""The console's routes: the original's answers, field by field (spec, 2.4, 2.5 and 8)."""

import json
import os
import time
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.message import Status
from kapokmq.protocols.console import MOST_MESSAGES, read_time
from tests.protocols.http_fakes import CODE, Client, FakeNode, found

ROUTES = (
    "/Console/Ping", "/Console/GetProducers", "/Console/GetConsumers", "/Console/GetClients", "/Console/GetConfig",
    "/Console/GetMessageList", "/Console/GetMessageEasy", "/Console/GetMessage", "/Console/DelMessage",
    "/Console/CountMessage", "/Console/GetNodes", "/Producer/Send",
)  # fmt: skip
EVER = {"startTime": "1999-01-01 00:00:00", "endTime": "2999-01-01 00:00:00"}
ROW = (
    b'{"MessageCode":"%b","MessageData":"%b","Topic":"t","CreateTime":1795222201,"ConsumedTime":0,"DelayTime":0,'
    b'"Status":-1}'
)


class NodeTests(SynchronousTestCase):
    """Has a node, and asks it."""

    def setUp(self):
        self.node = FakeNode()
        self.engine = self.node.engine

    def body(self, path, **fields):
        reply = self.node.post(path, urlencode(fields))
        self.assertEqual(reply.status, 200)
        return reply.body

    def said(self, path, **fields):
        return json.loads(self.body(path, **fields))


class ClientsTests(NodeTests):
    """Who is connected, and to what."""

    def test_nobody(self):
        self.assertEqual(self.body("/Console/GetProducers"), b'{"code":0,"data":[]}')
        self.assertEqual(self.body("/Console/GetConsumers"), b'{"code":0,"data":[]}')
        self.assertEqual(self.body("/Console/GetClients"), b'{"code":0,"consumers":[],"producers":[]}')

    def test_somebody(self):
        self.node.connections.made.append(Client("P1", "t", "127.0.0.1", 1_795_219_602))
        self.node.connections.joined.append(Client("C1", "t", "127.0.0.1", 1_795_219_602))
        producer = b'[{"ProducerId":"P1","Topic":"t","ProducerIp":"127.0.0.1","JoinTime":1795219602}]'
        consumer = b'[{"ConsumerId":"C1","Topic":"t","ConsumerIp":"127.0.0.1","JoinTime":1795219602}]'
        self.assertEqual(self.body("/Console/GetProducers"), b'{"code":0,"data":' + producer + b"}")
        self.assertEqual(self.body("/Console/GetConsumers"), b'{"code":0,"data":' + consumer + b"}")
        both = b'{"code":0,"consumers":' + consumer + b',"producers":' + producer + b"}"
        self.assertEqual(self.body("/Console/GetClients"), both)

    def test_config(self):
        self.assertEqual(self.body("/Console/GetConfig"), b'{"code":0,"data":{"checkSpeed":5,"pushType":1}}')

    def test_nodes(self):
        reply = self.node.post("/Console/GetNodes")
        self.assertEqual(reply.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(reply.body, b'[{"Name":"mq:127.0.0.1:8011","Addr":"127.0.0.1","Port":"8011"}]')

    def test_no_cluster(self):
        self.node.cluster = False
        reply = self.node.post("/Console/GetNodes")
        self.assertEqual((reply.body, reply.headers["Content-Length"]), (b"", "0"))
        self.assertEqual(reply.headers["Content-Type"], "text/plain; charset=utf-8")

    def test_counts(self):
        expected = b'{"code":0,"data":{"all":6,"consumed":1,"delay":2,"notConsumed":2,"stateless":3,"unconsumed":3}}'
        self.assertEqual(self.body("/Console/CountMessage"), expected)


class MessageTests(NodeTests):
    """One message."""

    def test_show(self):
        self.engine.messages = [found(data="<ü>")]
        row = ROW % (CODE.encode(), "\\u003cü\\u003e".encode())
        self.assertEqual(self.body("/Console/GetMessage", messageCode=CODE), b'{"code":0,"data":' + row + b"}")

    def test_show_none(self):
        for code, fault in (("x" * 40, "no such message"), ("", "empty")):
            self.assertEqual(
                self.said("/Console/GetMessage", messageCode=code),
                {"code": -1, "data": "error", "msg": f"messageCode: {fault}"},
            )

    def test_times_are_in_seconds(self):
        self.engine.messages = [found(created=1_999, consumed=2_999, delay=-5, status=Status.CONSUMED)]
        row = self.said("/Console/GetMessage", messageCode=CODE)["data"]
        self.assertEqual([row[name] for name in ("CreateTime", "ConsumedTime", "DelayTime", "Status")], [1, 2, -5, 1])

    def test_delete(self):
        self.engine.messages = [found()]
        self.assertEqual(self.body("/Console/DelMessage", messageCode=CODE), b'{"code":0}')
        self.assertEqual(self.engine.messages, [])

    def test_delete_none(self):
        expected = {"code": 0, "msg": "messageCode: no such message"}
        self.assertEqual(self.said("/Console/DelMessage", messageCode=CODE), expected)

    def test_not_utf8(self):
        reply = self.node.post("/Console/GetMessage", b"messageCode=%ff")
        self.assertEqual(reply.body, b'{"code":-1,"field":"messageCode","msg":"messageCode: not UTF-8"}')


class SearchTests(NodeTests):
    """Many."""

    def setUp(self):
        super().setUp()
        self.engine.messages = [found()]

    def test_list_and_easy(self):
        for path, data in (("/Console/GetMessageList", b"hello"), ("/Console/GetMessageEasy", b"")):
            expected = b'{"code":0,"data":[' + ROW % (CODE.encode(), data) + b"]}"
            self.assertEqual(self.body(path, status="3", **EVER), expected)
        self.assertEqual([one["with_data"] for one in self.engine.searches], [True, False])

    def test_the_engine_is_asked(self):
        self.body("/Console/GetMessageList", status="-1", topic="t", limit="5", offset="7", **EVER)
        asked = self.engine.searches[0]
        self.assertEqual([asked[name] for name in ("topic", "limit", "offset")], ["t", 5, 7])
        self.assertEqual(asked["status"], Status.WAITING)

    def test_defaults(self):
        self.body("/Console/GetMessageList", **EVER)
        asked = self.engine.searches[0]
        self.assertEqual([asked[name] for name in ("topic", "limit", "offset")], [None, MOST_MESSAGES, 0])

    def test_status(self):
        cases = {"": 0, "junk": 0, "0": 0, "1": 1, "-1": -1, "2": 2, "+1": 1, "3": None, "1.5": 0, " 1": 0}
        for text, status in cases.items():
            self.body("/Console/GetMessageList", status=text, **EVER)
            self.assertEqual(self.engine.searches[-1]["status"], status, text)

    def test_status_of_nothing(self):
        for text in ("4", "-2", "9" * 30):
            self.assertEqual(self.said("/Console/GetMessageList", status=text, **EVER), {"code": 0, "data": []})
        self.assertEqual(self.engine.searches, [])

    def test_the_last_second_is_whole(self):
        zone = os.environ.get("TZ")
        os.environ["TZ"] = "UTC"
        time.tzset()
        self.addCleanup(time.tzset)
        self.addCleanup(os.environ.pop if zone is None else os.environ.__setitem__, "TZ", *([zone] if zone else []))
        moment = "2026-11-21 00:50:01"  # of the message, which was made in the middle of that second
        for start, end, hits in (
            (moment, moment, 1),
            ("2026-11-21 00:50:02", "2026-11-21 00:50:02", 0),
            ("2026-11-21 00:50:00", "2026-11-21 00:50:00", 0),
        ):
            rows = self.said("/Console/GetMessageList", status="3", startTime=start, endTime=end)["data"]
            self.assertEqual(len(rows), hits, start)

    def test_unreadable_times(self):
        for text in ("", "junk", "2026-11-21", "2026-13-21 00:00:00", "2026-1-21 00:00:00", "2026-11-21T00:00:00"):
            for fields in (EVER | {"startTime": text}, EVER | {"endTime": text}):
                self.assertEqual(self.body("/Console/GetMessageList", **fields), b'{"code":0,"data":[]}')

    def test_limits(self):
        for text, limit in (("1", 1), (str(MOST_MESSAGES), MOST_MESSAGES), ("20000", MOST_MESSAGES)):
            self.body("/Console/GetMessageList", limit=text, **EVER)
            self.assertEqual(self.engine.searches[-1]["limit"], limit)
        self.assertEqual(self.said("/Console/GetMessageList", limit="0", status="3", **EVER)["data"], [])

    def test_an_offset_that_would_walk_for_ever_is_refused(self):
        self.body("/Console/GetMessageList", offset="1000000", **EVER)
        self.assertEqual(self.engine.searches[-1]["offset"], 1_000_000)
        self.assertEqual(self.said("/Console/GetMessageList", offset="1000001", **EVER)["field"], "offset")

    def test_bad_numbers_are_named(self):
        for field in ("limit", "offset"):
            for text in ("junk", "-1", "1.5", "9" * 50):
                said = self.said("/Console/GetMessageList", **{field: text}, **EVER)
                self.assertEqual((said["code"], said["field"], said["msg"][:7]), (-1, field, f"{field}: "[:7]))


class ReadTimeTests(SynchronousTestCase):
    """Local times."""

    def zone(self, name):
        before = os.environ.get("TZ")
        os.environ["TZ"] = name
        time.tzset()

        def restore():
            os.environ.pop("TZ")
            if before is not None:
                os.environ["TZ"] = before
            time.tzset()

        self.addCleanup(restore)

    def test_the_server_s_zone(self):
        self.zone("CST-8")
        self.assertEqual(read_time("1970-01-01 08:00:01"), 1)

    def test_an_hour_that_comes_twice(self):
        self.zone("CET-1CEST,M3.5.0,M10.5.0/3")
        text = "2026-10-25 02:30:00"
        self.assertEqual(read_time(text, later=True) - read_time(text), 3600)

    @given(st.text(max_size=25) | st.datetimes().map(lambda one: one.strftime("%Y-%m-%d %H:%M:%S")))
    @settings(deadline=None)
    def test_any_text_is_a_time_or_none(self, text):
        self.assertIsInstance(read_time(text), (int, type(None)))
