"""A full disk as v2 and the API tell it: refused with when to come again, nothing kept by halves, and on by itself."""

import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.api_v1 import ApiV1, Fault
from tests.integration.broker import BrokerProcess, start, tell, until
from tests.integration.disk import SmallDisk
from tests.integration.wire_v2 import V2, Refused

BATCH = [f"{index}" + "x" * 20_000 for index in range(20)]


class FullDiskTests(SynchronousTestCase):
    def test_publishes_are_refused_and_the_same_ones_taken_later(self):
        disk = SmallDisk(self)
        broker = BrokerProcess(self, MQ_PERSISTENTFILE=disk.store).started()
        disk.holds(broker)
        client, api = V2(self, broker.port, session="s"), ApiV1(broker)
        sub = client.subscribe("early", "g", credit=10)
        early = client.publish("early", *map(str, range(50)))
        held = client.take(sub, 10, ack=False)
        number, codes = self.fill(client)
        self.assertEqual(broker.api.get("/readyz").status, 503)
        self.assertEqual(api.post("topics", "load", "messages", data="x"), Fault(503, "unavailable"))
        self.assertEqual(api.get("messages", early[0])["message"]["data"], "0")  # reading goes on

        # An ack counts at once, so that work goes on; that it is not stored is told.
        with self.assertRaises(Refused) as refused:
            client.settle("ack", sub, *held)
        self.assertEqual(refused.exception.code, "unavailable")
        following = client.take(sub, 10, ack=False)
        self.assertEqual([one["data"] for one in following], [str(each) for each in range(10, 20)])

        disk.make_room()
        began = time.monotonic()
        codes[number] = until(lambda: self.attempt(client, number), "room", every=0.1)
        tell(f"{number - 1000} publishes until it was full, goes on after {time.monotonic() - began:.1f} s")
        until(lambda: broker.api.get("/readyz").status == 200, "readiness")
        self.assertEqual(self.attempt(client, 1000), codes[1000])
        client.settle("ack", sub, *following)
        self.assertEqual(client.rest(sub)[-1]["data"], "49")
        broker.kill()

        late = start(self, broker.folder, MQ_PERSISTENTFILE=disk.store)
        client = V2(self, late.port)
        got = client.rest(client.subscribe("load", "g"), 0.5)
        self.assertEqual([one["code"] for one in got], [code for each in sorted(codes) for code in codes[each]])
        self.assertEqual(client.rest(client.subscribe("early", "g")), [], "acknowledged, and delivered again")

    def fill(self, client):
        """Publish until it is refused. Gives the number of the call that was, and the codes of those before it."""
        codes = {}
        for number in range(1000, 2000):
            answer = client.ask_any("publish", id=number, topic="load", messages=[{"data": one} for one in BATCH])
            if answer["op"] == "error":
                self.assertEqual(answer["code"], "unavailable")
                self.assertGreater(answer["retryAfter"], 0)
                return number, codes
            codes[number] = answer["codes"]
        raise AssertionError("the disk does not fill")

    def attempt(self, client, number):
        """The refused call again, with its number: the codes, None where it is refused again."""
        answer = client.ask_any("publish", id=number, topic="load", messages=[{"data": one} for one in BATCH])
        return answer.get("codes")
