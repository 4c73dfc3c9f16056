"""What operators should know of a pool."""

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from serena.core.swim.events import Conflict, Incompatible, Joined
from serena.core.swim.members import Member
from serena.core.swim.messages import Address, State
from serena.services import notices
from serena.services.notices import Notices

HOST = bytes((10, 0, 0, 1))
MEMBER = Member(b"mq:\xff:1", Address(HOST, 1), b"", b"", 1, State.ALIVE, 0.0)


class NoticeTests(SynchronousTestCase):
    def setUp(self):
        self.logged = []
        observer = lambda event: self.logged.append(event["log_format"].format(**event))  # noqa: E731
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.notices = Notices()

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

    def test_what_is_remembered_is_bounded(self):
        self.patch(notices, "MOST", 2)
        for port in (1, 2, 3, 1):
            self.notices.heard(Conflict(MEMBER, Address(HOST, port)))
        self.assertEqual(len(self.logged), 4)
