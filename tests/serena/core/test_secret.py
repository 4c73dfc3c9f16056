"""Keys that do not show."""

from twisted.trial.unittest import SynchronousTestCase

from serena.core.secret import Secret


class SecretTests(SynchronousTestCase):
    """A key matches itself and prints nothing."""

    def test_only_the_key_itself_matches_as_text_or_bytes(self):
        secret = Secret("schlüssel")
        self.assertTrue(secret.matches("schlüssel"))
        self.assertTrue(secret.matches("schlüssel".encode()))
        for guess in ("", "schlüsse", "schlüssel ", "SCHLÜSSEL", b"\xff", "\ud800"):
            self.assertFalse(secret.matches(guess))

    def test_nothing_that_prints_shows_it(self):
        secret = Secret("hush")
        for shown in (repr(secret), str(secret), f"{secret}", f"{[secret]}", f"{secret!r:>40}"):
            self.assertNotIn("hush", shown)
        self.assertEqual(repr(secret), "Secret(***)")

    def test_it_is_revealed_on_request_only(self):
        self.assertEqual(Secret("hush").reveal(), "hush")
        self.assertEqual(Secret("\ud800").reveal(), "\ud800")

    def test_secrets_are_equal_when_their_keys_are(self):
        self.assertEqual(Secret("a"), Secret("a"))
        self.assertEqual(hash(Secret("a")), hash(Secret("a")))
        self.assertNotEqual(Secret("a"), Secret("b"))
        self.assertNotEqual(Secret("a"), "a")
