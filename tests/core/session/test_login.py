"""The log-in."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import WrongKey
from kapokmq.core.session.login import PROMPT, RIGHT, WRONG, Login
from serena.core.secret import Secret


class LoginTests(SynchronousTestCase):
    """Keys in, answers out."""

    def setUp(self):
        self.login = Login(Secret("s3crét"), now=100.0, seconds=10.0)

    def test_the_texts_are_the_originals(self):
        # The Go client compares them.
        self.assertEqual(PROMPT, "Please enter the secret key")
        self.assertEqual(WRONG, "Secret key matching error")
        self.assertEqual(RIGHT, "Secret key matching succeeded")

    def test_the_key_is_compared_byte_by_byte(self):
        self.assertTrue(self.login.matches("s3crét".encode()))
        for key in (b"", b"s3cret", "s3crét ".encode(), b"\xff", "s3crét".encode("latin-1")):
            self.assertFalse(self.login.matches(key))

    def test_the_fifth_wrong_key_is_the_last(self):
        for _ in range(4):
            self.assertEqual(self.login.rebuff(), ((WRONG, PROMPT), None))
        texts, fault = self.login.rebuff()
        self.assertEqual((texts, type(fault), str(fault)), ((WRONG,), WrongKey, "5 wrong keys"))
        self.assertEqual(fault.close_code, 1008)

    def test_time_runs_out(self):
        self.assertEqual(self.login.deadline, 110.0)
        fault = self.login.out_of_time()
        self.assertEqual((type(fault), str(fault)), (WrongKey, "no key within 10 s"))
