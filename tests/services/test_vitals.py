"""How a node is doing."""

import os
from pathlib import Path
from types import SimpleNamespace

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.policy import GroupConfig
from kapokmq.core.vitals import Backlog, CommitTimes, DiskRoom, Oldest, Standing
from kapokmq.services.lately import PATIENCE
from kapokmq.services.vitals import BACKLOG_FRESH, DISK_FRESH, TOLD, NodeVitals, disk_reader, no_disk
from tests.services.engine import BEGIN, EngineCase, Receiver, drafts

MINUTE = 60.0


class NodeVitalsTests(EngineCase):
    def setUp(self):
        self.make(prompt=True)
        self.rooms = []
        self.commit_times = None
        self.vitals = NodeVitals(
            self.engine,
            lambda: self.commit_times,
            clock=self.clock,
            wall=lambda: self.wall() / 1000,
            disk=lambda: succeed(self.rooms.pop()),
        )
        self.vitals.start()

    def publish(self, *bodies):
        self.answer(self.engine.send("a", drafts(*bodies)))
        self.turn()

    def minutes(self):
        """When each began, in seconds since the test did, and how many were published."""
        return [((one.at - BEGIN) / 1000, one.published) for one in self.vitals.minutes()]

    def test_how_things_stand(self):
        self.rooms = [DiskRoom(3, 9), DiskRoom(5, 9)]
        self.assertEqual(self.answer(self.vitals.standing()), Standing(0, 0, Backlog(None, 0), None, DiskRoom(5, 9)))
        self.answer(self.admin.create_group("a", "g", "all", GroupConfig()))
        self.publish("x", "y")
        self.commit_times = CommitTimes(0.1, 0.2, 3)
        now = self.answer(self.vitals.standing())
        self.assertEqual((now.stored, now.commits, now.backlog), (402, self.commit_times, Backlog(None, 0)))
        self.wait(BACKLOG_FRESH)
        self.assertEqual(self.answer(self.vitals.standing()).backlog, Backlog(Oldest(BEGIN, "a", "g"), 1))
        self.assertEqual(self.answer(self.vitals.standing()).disk, DiskRoom(5, 9))
        self.wait(DISK_FRESH - BACKLOG_FRESH)
        self.assertEqual(self.answer(self.vitals.standing()).disk, DiskRoom(3, 9))
        self.answer(self.admin.purge_topic("a"))
        self.assertEqual(self.answer(self.vitals.standing()).stored, 0)

    def slow(self, field):
        """What is found out of this takes its time from now on. Gives what is waited for."""
        waiting = []

        def find():
            waiting.append(Deferred())
            return waiting[-1]

        self.patch(getattr(self.vitals, field), "_find", find)
        return waiting

    def standing(self):
        return Deferred.fromCoroutine(self.vitals.standing())

    def test_all_is_found_out_at_the_same_time(self):
        surveys, rooms = self.slow("_survey"), self.slow("_disk")
        asked = self.standing()
        self.assertEqual((len(surveys), len(rooms)), (1, 1))
        self.clock.advance(PATIENCE)
        now = self.successResultOf(asked)
        self.assertEqual((now.backlog, now.disk), (Backlog(None, 0), None))
        again = self.standing()
        self.assertNoResult(again)  # for there is nothing to be told
        rooms[0].callback(DiskRoom(3, 9))
        surveys[0].callback(Backlog(None, 7))
        now = self.successResultOf(again)
        self.assertEqual((now.backlog, now.disk), (Backlog(None, 7), DiskRoom(3, 9)))

    def test_what_is_known_is_told_while_it_is_found_out_anew(self):
        self.rooms = [DiskRoom(3, 9)]
        self.answer(self.vitals.standing())
        surveys, rooms = self.slow("_survey"), self.slow("_disk")
        self.clock.advance(DISK_FRESH)
        now = self.successResultOf(self.standing())
        self.assertEqual((now.backlog, now.disk), (Backlog(None, 0), DiskRoom(3, 9)))
        surveys[0].callback(Backlog(None, 7))
        rooms[0].callback(DiskRoom(2, 9))
        now = self.successResultOf(self.standing())
        self.assertEqual((now.backlog, now.disk), (Backlog(None, 7), DiskRoom(2, 9)))

    def test_what_is_old_is_not_told_at_once(self):
        self.rooms = [DiskRoom(3, 9)]
        self.answer(self.vitals.standing())
        self.clock.advance(TOLD)
        self.rooms = [DiskRoom(2, 9)]
        surveys = self.slow("_survey")
        asked = self.standing()
        self.assertNoResult(asked)
        surveys[0].callback(Backlog(None, 7))
        now = self.successResultOf(asked)
        self.assertEqual((now.backlog, now.disk), (Backlog(None, 7), DiskRoom(2, 9)))

    def test_groups_are_dated(self):
        self.answer(self.admin.create_group("a", "g", "all", GroupConfig()))
        self.publish("x")
        (info,) = self.answer(self.vitals.dated(self.groups("a")))
        self.assertEqual((info.name, info.lag, info.oldest), ("g", 1, BEGIN))

    def test_minute_by_minute(self):
        self.assertEqual(self.minutes(), [(0.0, 0)])
        self.publish("x", "y")
        self.clock.advance(MINUTE - 1)
        self.publish("z")
        self.assertEqual(self.minutes(), [(0.0, 3)])
        self.clock.advance(1)
        self.publish("x")
        self.clock.advance(MINUTE)
        self.assertEqual(self.minutes(), [(0.0, 3), (60.0, 1), (120.0, 0)])

    def test_minutes_are_counted_where_nobody_asks(self):
        for _ in range(3):
            self.publish("x")
            self.clock.advance(MINUTE)
        self.assertEqual(self.minutes(), [(0.0, 1), (60.0, 1), (120.0, 1), (180.0, 0)])

    def test_minutes_begin_by_the_wall_clock(self):
        self.vitals.stop()
        self.clock.advance(45)
        self.vitals.start()
        self.publish("x")
        self.clock.advance(15)
        self.publish("y", "z")
        self.clock.advance(MINUTE)
        self.assertEqual(self.minutes(), [(0.0, 1), (60.0, 2), (120.0, 0)])

    def test_what_is_done_is_told_apart(self):
        receiver = Receiver()
        handle = self.engine.subscribe(receiver, "a", 10)
        self.publish("x", "y")
        self.engine.ack(handle, receiver.codes[:1])
        self.turn()
        (now,) = self.vitals.minutes()
        self.assertEqual((now.published, now.delivered, now.acked, now.retried), (2, 2, 1, 0))

    def test_it_stops(self):
        before = len(self.clock.getDelayedCalls())
        self.vitals.stop()
        self.vitals.stop()
        self.assertEqual(len(self.clock.getDelayedCalls()), before - 1)


class DiskTests(SynchronousTestCase):
    def setUp(self):
        self.work = []
        pool = SimpleNamespace(callInThreadWithCallback=lambda told, read: self.work.append((told, read)))
        self.reactor = SimpleNamespace(getThreadPool=lambda: pool, callFromThread=lambda call, *given: call(*given))

    def read(self, path):
        """Ask, and let the thread work."""
        reading = disk_reader(path, self.reactor)()
        self.assertIsInstance(reading, Deferred)
        self.assertNoResult(reading)
        ((told, read),) = self.work
        told(True, read())
        return self.successResultOf(reading)

    def test_the_volume_that_a_file_is_on(self):
        path = self.mktemp()
        Path(path).mkdir()
        room = self.read(path + "/not-yet.db")
        self.assertTrue(0 < room.free <= room.total)
        stat = os.statvfs(path)
        self.assertEqual(room.total, stat.f_blocks * stat.f_frsize)

    def test_one_that_does_not_say(self):
        self.assertIsNone(self.read(self.mktemp() + "/no/kapokmq.db"))

    def test_none(self):
        self.assertIsNone(self.successResultOf(no_disk()))
