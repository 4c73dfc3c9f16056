"""What operators should know of a pool."""

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.events import Conflict, Incompatible, Joined
from serena.core.swim.members import Member
from serena.core.swim.messages import Address, State
from serena.services import notices
from serena.services.notices import PER_MINUTE, Notices

HOST = bytes((10, 0, 0, 1))
MEMBER = Member(b"mq:\xff:1", Address(HOST, 1), b"", b"", 1, State.ALIVE, 0.0)


class NoticeTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.logged = []
        observer = lambda event: self.logged.append(event["log_format"].format(**event))  # noqa: E731
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.notices = Notices(self.clock)

    def test_each_is_told_once(self):
        for _ in range(3):
            self.notices.heard(Conflict(MEMBER, Address(HOST, 2)))
            self.notices.heard(Incompatible(b"x", Address(HOST, 3), bytes((1, 5, 2, 9, 9, 9))))
            self.notices.heard(Joined(MEMBER))
        self.assertEqual(
            self.logged,
            [
                r"'mq:\\xff:1' is at 10.0.0.1 port 1; somebody at 10.0.0.1 port 2 has the same name, and is ignored",
                "'x' at 10.0.0.1 speaks versions [1, 5, 2, 9, 9, 9], which do not fit ours, and is not let in",
            ],
        )

    def test_a_name_is_told_once_from_wherever_it_is_claimed(self):
        for port in range(1000):
            self.notices.heard(Conflict(MEMBER, Address(HOST, port)))
        self.assertEqual(len(self.logged), 1)

    def test_so_many_a_minute_and_how_many_more_there_were(self):
        def strangers(count):
            for number in range(count):
                self.notices.heard(Incompatible(b"%d" % number, Address(HOST, 3), bytes((1, 5, 2, 9, 9, number))))

        strangers(PER_MINUTE + 7)
        self.assertEqual(len(self.logged), PER_MINUTE)
        self.clock.advance(59)
        strangers(PER_MINUTE + 7)
        self.assertEqual(len(self.logged), PER_MINUTE)
        self.clock.advance(1)
        self.assertEqual(
            self.logged[PER_MINUTE:], ["14 times more somebody had a name that is taken, or versions that do not fit"]
        )
        self.notices.heard(Conflict(MEMBER, Address(HOST, 2)))
        self.assertEqual(len(self.logged), PER_MINUTE + 2)
        self.clock.advance(600)
        self.assertEqual((len(self.logged), self.clock.getDelayedCalls()), (PER_MINUTE + 2, []))

    def test_at_the_end_nothing_is_left(self):
        self.notices.heard(Conflict(MEMBER, Address(HOST, 2)))
        self.notices.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_remembered_is_bounded(self):
        self.patch(notices, "MOST", 2)
        for name in (b"1", b"2", b"3", b"1"):
            self.notices.heard(Incompatible(name, Address(HOST, 3), bytes(6)))
        self.assertEqual(len(self.logged), 4)
