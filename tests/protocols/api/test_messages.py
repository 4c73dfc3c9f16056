"""Messages, published, searched, delayed and dead: each route, and what it asks of the engine."""

import json

from kapokmq.core.admin import (
    DeadDone,
    DeadInfo,
    DeadInfoPage,
    FoundPage,
    Verdict,
)
from kapokmq.core.codec.v2 import BATCH
from kapokmq.core.errors import NotKept, Paused
from kapokmq.core.lives import Event, GroupLife, Holder, Life
from kapokmq.core.message import Draft, Status
from kapokmq.core.query import Mark
from kapokmq.protocols.api.dead import DeadFilter
from tests.protocols.api.test_routing import ApiTests
from tests.protocols.http_fakes import CODE, NOW, found, receipt

SECOND = CODE[:-1] + "a"


class PublishTests(ApiTests):
    def test_one(self):
        told = self.node.told("POST /topics/t/messages", {"data": "hello"}, 201)
        self.assertEqual(told, {"codes": [CODE], "duplicates": [], "durable": "fsync"})
        self.assertEqual(self.engine.drafts, [("t", Draft("hello"))])
        self.assertFalse(self.engine.durable)

    def test_many(self):
        body = {"messages": [{"data": "a", "delay": 1.5}, {"data": {"b": [1]}, "at": 2.5, "expire": 3, "key": "k"}]}
        told = self.node.told("POST /topics/t/messages", body | {"durable": True}, 201)
        self.assertEqual(told["codes"], [CODE, SECOND])
        (_, first), (_, second) = self.engine.drafts
        self.assertEqual((first.data, first.delay_ms), ("a", 1500))
        self.assertEqual(json.loads(second.data), {"b": [1]})
        self.assertEqual((second.due, second.expire_ms, second.key), (2500, 3000, "k"))
        self.assertTrue(self.engine.durable)

    def test_headers_are_carried(self):
        self.node.told("POST /topics/t/messages", {"data": "", "headers": {"a": "b"}, "durable": "fsync"}, 201)
        self.assertEqual(self.engine.drafts[0][1].headers, '{"a":"b"}')
        self.assertTrue(self.engine.durable)

    def test_duplicates(self):
        self.engine.held = receipt(3, duplicates={2: SECOND, 0: CODE})
        self.engine.send = lambda *_, **__: _done(self.engine.held)
        told = self.node.told("POST /topics/t/messages", {"messages": [{"data": ""}] * 3}, 201)
        self.assertEqual((told["duplicates"], told["codes"][2]), ([0, 2], SECOND))

    def test_bad_messages(self):
        for body, status, code in (
            ({}, 400, "badRequest"),
            ([], 400, "badRequest"),
            ({"messages": []}, 400, "badRequest"),
            ({"messages": {}}, 400, "badRequest"),
            ({"messages": [{"data": ""}], "data": ""}, 400, "badRequest"),
            ({"data": "", "delay": -1}, 400, "badRequest"),
            ({"data": "", "delay": "1"}, 400, "badRequest"),
            ({"data": "", "expire": 0}, 400, "badRequest"),
            ({"data": "", "at": 1, "delay": 1}, 400, "badMessage"),
            ({"data": "", "key": ""}, 400, "badName"),
            ({"data": "", "headers": {"a": 1}}, 400, "badRequest"),
            ({"data": "", "headers": {str(at): "" for at in range(65)}}, 400, "badMessage"),
            ({"data": "", "headers": {"a": "b" * 20_000}}, 413, "tooBig"),
            ({"data": "", "durable": "disk"}, 400, "badRequest"),
            ({"data": "", "Data": ""}, 400, "badRequest"),
            ({"data": "x" * 1001}, 413, "tooBig"),
        ):
            self.assertEqual(self.node.refused("POST /topics/t/messages", body)[:2], (status, code), body)
        self.assertEqual(self.engine.drafts, [])

    def test_too_many(self):
        self.node.access.max_message_bytes = 100_000
        for count, status in ((BATCH, 201), (BATCH + 1, 400)):
            reply = self.node.call("POST /topics/t/messages", {"messages": [{"data": ""}] * count})
            self.assertEqual(reply.status, status)
        self.assertIn(b'"tooMany","message":"messages: 5001, the limit is 5000"', reply.body)
        self.assertEqual(len(self.engine.drafts), BATCH)

    def test_the_message_at_fault_is_named(self):
        body = {"messages": [{"data": ""}, {"data": "x" * 1001}]}
        error = self.node.told("POST /topics/t/messages", body, 413)["error"]
        self.assertEqual((error["code"], error["index"]), ("tooBig", 1))

    def test_so_is_one_that_has_the_wrong_shape(self):
        for fault, message in (
            ({"delay": -1}, "messages[1].delay: expected float >= 0.0"),
            ({"deley": 1}, "messages[1].deley: is unknown"),
            ({"headers": {"a": 1}}, "messages[1].headers[...]: expected str, got int"),
        ):
            body = {"messages": [{"data": ""}, {"data": ""} | fault]}
            error = self.node.told("POST /topics/t/messages", body, 400)["error"]
            self.assertEqual(error, {"code": "badRequest", "message": message, "index": 1})
        for body in ({"messages": [5]}, {"messages": [{}]}):
            self.assertEqual(self.node.told("POST /topics/t/messages", body, 400)["error"]["index"], 0)
        alone = ({"data": "", "delay": -1}, {"data": "", "delay": 1, "at": 1}, {"data": "", "key": ""})
        for body in ({"messages": 5}, {"data": "", "messages[1]": 5}, *alone):
            self.assertNotIn("index", self.node.told("POST /topics/t/messages", body, 400)["error"])

    def test_a_pattern(self):
        self.assertEqual(self.node.refused("POST /topics/t.*/messages", {"data": ""})[:2], (400, "badName"))

    def test_refusals(self):
        for trouble, status in ((Paused("paused"), 503), (NotKept("no delay"), 409)):
            self.engine.trouble = trouble
            self.assertEqual(self.node.refused("POST /topics/t/messages", {"data": ""})[:2], (status, trouble.name))


class SearchTests(ApiTests):
    def test_everything(self):
        message = found(due=5_000, expire=6_000, consumed=7_000, key="k", headers='{"a":"<"}', status=Status.CONSUMED)
        self.admin.page = FoundPage([message], Mark(8, 9))
        told = self.node.told("GET /messages")
        self.assertEqual(
            told,
            {
                "messages": [{
                    "code": CODE, "topic": "t", "data": "hello", "status": "consumed", "createTime": 1795222201.5,
                    "dueTime": 5.0, "expireTime": 6.0, "consumedTime": 7.0, "key": "k", "headers": {"a": "<"},
                }],
                "cursor": "8-9",
            },
        )  # fmt: skip
        (asked,) = self.admin.asked
        self.assertEqual((asked["start"], asked["status"], asked["after"], asked["limit"]), (0, None, None, 100))

    def test_what_is_asked(self):
        query = "topic=a%2Fb&status=dead&from=1.5&to=2&text=null&key=k&header=h:v:w&limit=7&cursor=8-9"
        self.assertIsNone(self.node.told(f"GET /messages?{query}")["cursor"])
        asked = {
            "topic": "a/b", "status": Status.DEAD, "start": 1500, "end": 2000, "text": "null", "key": "k",
            "header": ("h", "v:w"), "after": Mark(8, 9), "limit": 7,
        }  # fmt: skip
        self.assertEqual(self.admin.asked, [asked])
        self.node.told("GET /messages?header=h&status=waiting&text=")
        self.assertEqual(self.admin.asked[1]["header"], ("h", None))
        self.assertEqual((self.admin.asked[1]["status"], self.admin.asked[1]["text"]), (Status.WAITING, None))

    def test_bad_queries(self):
        for query in (
            "status=lost", "status=", "from=-1", "from=nan", "from=inf", "to=x", "to=1e999", "limit=1001",
            "limit=1.5", "cursor=x", "cursor=1", "cursor=1-", "cursor=1-99999999999999999999", "cursor=" + "1" * 41,
            "text=" + "x" * 513, "key=" + "x" * 256,
        ):  # fmt: skip
            self.assertEqual(self.node.refused(f"GET /messages?{query}")[:2], (400, "badRequest"), query)
        self.assertEqual(self.admin.asked, [])

    def test_a_life(self):
        holders, events = [Holder("c1", 1_000, None)], [Event(2_000, "nacked", 1, "c1", "why")]
        groups = [GroupLife("g", "leased", 1, None, 3_000, holders, events)]
        self.admin.lives[CODE] = Life(found(), groups)
        told = self.node.told(f"GET /messages/{CODE}")
        self.assertEqual(told["message"]["status"], "waiting")
        self.assertEqual(
            told["groups"],
            [{
                "group": "g", "state": "leased", "attempts": 1, "since": None, "until": 3.0,
                "holders": [{"label": "c1", "since": 1.0, "until": None}],
                "events": [{"at": 2.0, "kind": "nacked", "attempts": 1, "who": "c1", "reason": "why"}],
            }],
        )  # fmt: skip
        for code in (SECOND, "x", CODE.upper()):
            self.assertEqual(self.node.refused(f"GET /messages/{code}")[0], 404)

    def test_delete(self):
        self.engine.messages.append(found())
        self.assertEqual(self.node.told(f"DELETE /messages/{CODE}"), {"result": "done"})
        self.assertEqual(self.node.refused(f"DELETE /messages/{CODE}")[0], 404)
        self.assertEqual(self.node.told("POST /messages/delete", {"codes": [CODE, "x"]}), {"count": 2})
        self.assertEqual(self.admin.asked, [[CODE, "x"]])
        for codes in ([], [1], ["x" * 65], "x", None, ["x"] * 5_001):
            self.assertEqual(self.node.refused("POST /messages/delete", {"codes": codes})[0], 400)


class ScheduleTests(ApiTests):
    def test_list(self):
        self.admin.due = [found(due=5_000, status=Status.DELAYED), found(SECOND, due=6_000, status=Status.DELAYED)]
        page = self.node.told("GET /schedule?limit=2&topic=t")
        self.assertEqual([one["dueTime"] for one in page["messages"]], [5.0, 6.0])
        self.assertEqual(page["cursor"], f"6000-{int(SECOND[24:], 16)}")
        self.assertIsNone(self.node.told("GET /schedule?limit=3&cursor=1-2")["cursor"])
        self.node.told("GET /schedule?from=5.5")
        self.node.told("GET /schedule?from=5.5&cursor=7000-2")
        last = (None, (5_500, -1), 100), (None, (7_000, 2), 100)
        self.assertEqual(self.admin.asked, [("t", None, 2), (None, (1, 2), 3), *last])

    def test_one(self):
        self.engine.messages = [found(due=5_000, status=Status.DELAYED), found(SECOND)]
        self.assertEqual(self.node.told(f"GET /schedule/{CODE}")["status"], "delayed")
        for code in (SECOND, "x"):
            self.assertEqual(self.node.refused(f"GET /schedule/{code}")[0], 404)

    def test_counted_by_when_they_fall_due(self):
        told = self.node.told("GET /schedule/counts?from=100&to=4000.5&step=60&topic=t")
        self.assertEqual(told, {"counts": [{"at": 100, "count": 12}, {"at": 220, "count": 1}]})
        self.node.told("GET /schedule/counts")
        now = int(NOW * 1000)
        self.assertEqual(
            self.admin.asked, [("t", 100_000, 4_000_500, 60_000), (None, now, now + 604_800_000, 3_600_000)]
        )
        self.node.told("GET /schedule/counts?from=1000&to=25000&step=60")
        for query in ("from=1000&to=25000.1&step=60", "step=59", "step=604801", "step=60.5", "to=-1", "limit=5"):
            self.assertEqual(self.node.refused(f"GET /schedule/counts?{query}")[:2], (400, "badRequest"), query)

    def test_change(self):
        self.assertEqual(self.node.told(f"DELETE /schedule/{CODE}"), {"result": "done"})
        self.node.told(f"POST /schedule/{CODE}/promote")
        self.node.told(f"POST /schedule/{CODE}/reschedule", {"at": 5.5})
        self.node.told(f"POST /schedule/{CODE}/reschedule", {"delay": 1.5})
        now = int(NOW * 1000)
        times = [("reschedule", CODE, due) for due in (now, 5_500, now + 1_500)]
        self.assertEqual(self.admin.asked, [("cancel", CODE), *times])

    def test_bad_times(self):
        for body in ({}, {"at": 1, "delay": 1}, {"at": -1}, {"delay": -1}, {"at": 1e15}, {"delay": 1e15}, {"at": None}):
            self.assertEqual(self.node.refused(f"POST /schedule/{CODE}/reschedule", body)[:2], (400, "badRequest"))

    def test_verdicts(self):
        for verdict, status, code in ((Verdict.TOO_LATE, 409, "tooLate"), (Verdict.UNKNOWN, 404, "notFound")):
            self.admin.verdict = verdict
            for line, body in (
                (f"DELETE /schedule/{CODE}", None),
                (f"POST /schedule/{CODE}/promote", None),
                (f"POST /schedule/{CODE}/reschedule", {"at": 1}),
                (f"POST /topics/t/groups/g/dead/{CODE}/send", None),
                (f"DELETE /topics/t/groups/g/dead/{CODE}", None),
            ):
                told = self.node.told(line, body, status)
                self.assertEqual((told["result"], told["error"]["code"]), (verdict.value, code))


class DeadTests(ApiTests):
    def test_browse(self):
        letter = DeadInfo(found(status=Status.DEAD), "g", 2_000, 5, "why")
        self.admin.dead = DeadInfoPage([letter], 17)
        told = self.node.told("GET /topics/t/groups/g/dead?reason=w&text=h&before=3&limit=1&cursor=4")
        self.assertEqual(told["cursor"], "17")
        (one,) = told["dead"]
        self.assertEqual((one["message"]["status"], one["group"], one["at"]), ("dead", "g", 2.0))
        self.assertEqual((one["attempts"], one["reason"]), (5, "why"))
        self.assertEqual(self.admin.asked, [(DeadFilter("t", "g", 4, "w", "h", 3_000), 1)])
        for query in ("cursor=x", "cursor=-1", "limit=0", "before=x", "x=1"):
            self.assertEqual(self.node.refused(f"GET /topics/t/groups/g/dead?{query}")[:2], (400, "badRequest"))

    def test_in_bulk(self):
        for what in ("send", "purge"):
            self.admin.asked.clear()
            self.admin.done = DeadDone(2, 9)
            self.assertEqual(self.node.told(f"POST /topics/t/groups/g/dead/{what}"), {"count": 2, "cursor": "9"})
            body = {"filter": {"reason": "w", "before": 2}, "limit": 5, "cursor": "9"}
            self.node.told(f"POST /topics/t/groups/g/dead/{what}", body)
            who = "api 192.0.2.7"
            everything, some = DeadFilter("t", "g"), DeadFilter("t", "g", 9, "w", None, 2_000)
            self.assertEqual(self.admin.asked, [(what, everything, 1_000, who), (what, some, 5, who)])
            for body in ({"limit": 0}, {"limit": 10_001}, {"filter": {"x": 1}}, {"cursor": "x"}, {"reason": "w"}):
                self.assertEqual(self.node.refused(f"POST /topics/t/groups/g/dead/{what}", body)[0], 400)

    def test_one(self):
        self.node.told(f"POST /topics/t/groups/g/dead/{CODE}/send")
        self.node.told(f"DELETE /topics/t/groups/g/dead/{CODE}")
        who = "api 192.0.2.7"
        self.assertEqual(self.admin.asked, [("send", CODE, "g", who), ("purge", CODE, "g", who)])

    def test_unknown(self):
        self.admin.dead = self.admin.done = None
        for line in ("GET {}", "POST {}/send", "POST {}/purge"):
            self.assertEqual(self.node.refused(line.format("/topics/t/groups/g/dead"))[:2], (404, "notFound"))


async def _done(receipt):
    return receipt
