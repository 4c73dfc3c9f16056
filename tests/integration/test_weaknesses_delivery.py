"""What the original got wrong in delivery (spec, section 7), by its number there: ours, over real sockets, does not."""

import time
from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import start, until
from tests.integration.http import CONSUMED
from tests.integration.wire import Consumer, Producer

SOON = 1.0  # seconds: at once, on a busy machine


def timed(consumer, count, seconds=SOON):
    """That many messages, and how long they took."""
    began = time.monotonic()
    return consumer.bodies(count, seconds), time.monotonic() - began


class DeliveryWeaknessTests(SynchronousTestCase):
    def test_01_clients_that_come_and_go_do_not_end_the_broker(self):
        broker = start(self)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        for number in range(150):
            Consumer(self, broker.port, "other", f"c{number}").close()
            producer.publish(*[str(number)] * 5)
            self.assertEqual(consumer.bodies(5), [str(number)] * 5)
        self.assertIsNone(broker.process.poll())

    def test_02_listing_clients_while_they_come_and_go(self):
        broker = start(self)
        for number in range(100):
            client = Consumer(self, broker.port, f"t{number % 3}", f"c{number}")
            listed = broker.api.post("/Console/GetClients").json["consumers"]
            self.assertIn(f"c{number}", [one["ConsumerId"] for one in listed])
            client.close()
        until(lambda: not broker.api.post("/Console/GetClients").json["consumers"], "departure of all")

    def test_03_a_consumer_that_joins_during_a_broadcast_stops_nothing(self):
        broker = start(self, MQ_PUSHTYPE=2)
        producer, first = Producer(self, broker.port), Consumer(self, broker.port, name="first")
        for number in range(40):
            producer.publish(*[f"{number}"] * 50)
            Consumer(self, broker.port, name=f"c{number}").close() if number % 2 else Consumer(
                self, broker.port, name=f"stays{number}"
            )
        self.assertEqual(first.bodies(2000), [f"{number // 50}" for number in range(2000)])
        producer.publish("last")
        self.assertEqual(first.bodies(1), ["last"])

    def test_11_recovered_messages_are_delivered_at_once_even_without_repush(self):
        broker = start(self)
        Producer(self, broker.port).publish("one", "two")
        self.assertEqual(len(Consumer(self, broker.port).take(2, ack=False)), 2)  # in flight at the crash
        broker.kill()
        again = start(self, broker.folder, MQ_ISREPUSH=0)
        self.assertEqual(timed(Consumer(self, again.port), 2)[0], ["one", "two"])

    def test_13_a_message_waits_for_a_consumer_and_goes_the_moment_one_comes(self):
        broker = start(self)
        Producer(self, broker.port).publish("patient")
        self.assertEqual(timed(Consumer(self, broker.port), 1)[0], ["patient"])

    def test_14_nothing_is_throttled_unless_asked_for(self):
        broker = start(self)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        producer.publish(*["x"] * 5000)  # the original: 5 s
        self.assertLess(timed(consumer, 5000, 10)[1], 2.5)

    def test_15_topics_do_not_wait_for_each_other_not_even_under_a_throttle(self):
        broker = start(self, MQ_PUSHMESSAGESSPEED=1, MQ_PUSHCOUNT=10)
        producer = Producer(self, broker.port, "nobody")
        producer.publish(*["waits"] * 3000)
        other, consumer = Producer(self, broker.port, "brisk"), Consumer(self, broker.port, "brisk")
        other.publish("delayed", delay=1)
        other.publish("at once")
        self.assertEqual(timed(consumer, 1, 2)[0], ["at once"])
        self.assertEqual(timed(consumer, 1, 2.5)[0], ["delayed"])
        Consumer(self, broker.port, "nobody")  # now its backlog eats the throttle's budget
        other.publish("in turn")
        self.assertEqual(timed(consumer, 1, 2.5)[0], ["in turn"])

    def test_16_one_slow_consumer_does_not_block_other_topics_nor_its_own(self):
        broker = start(self)
        Consumer(self, broker.port, "slow", "stuck", read_buffer=4096)
        producer, other = Producer(self, broker.port, "slow"), Producer(self, broker.port, "brisk")
        producer.publish(*["x" * 50_000] * 200)
        brisk, helper = Consumer(self, broker.port, "brisk"), Consumer(self, broker.port, "slow", "helper")
        other.publish("at once")
        self.assertEqual(timed(brisk, 1)[0], ["at once"])
        producer.publish(*["y" * 50_000] * 20)
        self.assertGreater(len(helper.rest(0.3)), 20)

    def test_17_an_old_backlog_is_delivered_once(self):
        broker = start(self, MQ_PUSHRETRYTIME=1)
        Producer(self, broker.port).publish(*map(str, range(3000)))
        written = time.monotonic()
        until(lambda: time.monotonic() > written + 1.5, "age")
        consumer = Consumer(self, broker.port)
        self.assertEqual(consumer.bodies(3000), [str(number) for number in range(3000)])
        self.assertEqual(consumer.rest(1.5), [])

    def test_18_three_consumers_get_a_third_each_in_order(self):
        broker = start(self)
        consumers = [Consumer(self, broker.port, name=f"c{number}") for number in range(3)]
        producer = Producer(self, broker.port)
        for first in range(0, 3000, 100):
            producer.publish(*(f"{number:04}" for number in range(first, first + 100)))
        shares = [[each["MessageData"] for each in consumer.rest(0.3)] for consumer in consumers]
        self.assertEqual(sorted(body for share in shares for body in share), [f"{number:04}" for number in range(3000)])
        for share in shares:
            self.assertTrue(850 < len(share) < 1150, [len(each) for each in shares])
            self.assertEqual(share, sorted(share))

    def test_19_in_a_broadcast_each_consumer_acknowledges_for_itself(self):
        broker = start(self, MQ_PUSHTYPE=2, MQ_PUSHRETRYTIME=1)
        first, *others = (Consumer(self, broker.port, name=f"c{number}") for number in range(3))
        Producer(self, broker.port).publish("to all")
        code = first.take(1)[0]["MessageCode"]
        for other in others:
            self.assertEqual(other.take(1, ack=False)[0]["MessageCode"], code)
        self.assertNotEqual(broker.api.message(code)["Status"], CONSUMED)
        for other in others:  # again, because they have not
            self.assertEqual(other.take(1)[0]["MessageCode"], code)
        self.assertEqual(first.rest(0.5), [])
        until(lambda: broker.api.message(code)["Status"] == CONSUMED, "consumption")

    def test_20_what_is_delivered_again_is_unchanged_and_in_order(self):
        broker = start(self, MQ_PUSHRETRYTIME=1)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        producer.publish("first", delay=1)
        producer.publish(*map(str, range(20)))
        once = consumer.take(21, ack=False)
        again = sorted(consumer.take(21), key=lambda got: got["MessageData"] == "first")
        self.assertEqual(again[:20], once[:20])
        self.assertEqual(again[20], once[20])
        self.assertEqual(again[20]["DelayTime"], 1)

    def test_22_nobody_acknowledges_what_others_hold(self):
        broker = start(self)
        holder, other = Consumer(self, broker.port), Consumer(self, broker.port, "elsewhere")
        Producer(self, broker.port).publish("mine")
        held = holder.take(1, ack=False)
        other.ack(*held, *held)
        until(lambda: broker.api.figure("kapokmq_acks_ignored_total") == 2, "count of two ignored")
        self.assertNotEqual(broker.api.message(held[0]["MessageCode"])["Status"], CONSUMED)
        holder.close()
        self.assertEqual(timed(Consumer(self, broker.port, name="heir"), 1)[0], ["mine"])

    def test_35_two_consumers_with_one_id_in_one_second_both_hear(self):
        broker = start(self)
        twins = [Consumer(self, broker.port, name="twin") for _ in range(2)]
        producer = Producer(self, broker.port)
        producer.publish(*map(str, range(200)))
        got = Counter()
        for number, twin in enumerate(twins):
            got[number] = len(twin.rest(0.3))
        self.assertEqual(sum(got.values()), 200)
        self.assertGreater(min(got.values()), 50)
        twins[0].close()
        until(lambda: len(broker.api.post("/Console/GetConsumers").json["data"]) == 1, "departure")
        producer.publish("for the other")
        self.assertEqual(timed(twins[1], 1)[0], ["for the other"])

    def test_43_an_ack_is_never_undone_by_a_delivery_again(self):
        broker = start(self, MQ_PUSHRETRYTIME=1)
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        producer.publish(*map(str, range(500)))
        held = consumer.take(500, ack=False)
        first = consumer.take(1, 5, ack=False)  # the lease is over, and its end is under way
        consumer.ack(*held)
        seen = Counter(got["MessageCode"] for got in first + consumer.rest(0.4))
        self.assertLessEqual(max(seen.values()), 1)
        until(lambda: broker.api.counts()["consumed"] == 500, "consumption of all")
        self.assertEqual(consumer.rest(1.5), [])
        self.assertEqual(broker.api.counts()["consumed"], 500)
