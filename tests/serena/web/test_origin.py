"""Which pages may ask."""

from twisted.trial.unittest import SynchronousTestCase

from serena.web.origin import origin_allowed

OWN = {"mq.example", "192.168.1.5", "FD00::5"}

ALLOWED = (
    (None, None),
    (None, "evil.example"),
    ("http://localhost", "localhost:8011"),
    ("http://localhost:3000", "127.0.0.1:8011"),
    ("https://LOCALHOST:3000", None),
    ("http://127.0.0.1:1", "x"),
    ("http://127.9.9.9", "x"),
    ("http://[::1]:8080", "x"),
    ("http://[0:0:0:0:0:0:0:1]", "x"),
    ("http://[::ffff:127.0.0.1]", "x"),
    ("http://mq.example:8011", "mq.example:8011"),
    ("http://MQ.example:8011", "mq.EXAMPLE:8011"),
    ("http://mq.example.:8011", "mq.example:8011"),
    ("http://mq.example", "mq.example"),
    ("http://mq.example", "mq.example:80"),
    ("https://mq.example", "mq.example:443"),
    ("http://192.168.1.5:8011", "192.168.1.5:8011"),
    ("http://[fd00::5]:8011", "[fd00:0::5]:8011"),
)

REFUSED = (
    ("null", "localhost:8011"),
    ("", "localhost:8011"),
    ("http://evil.example", "localhost:8011"),
    # Rebinding: the page's own name points here by now.
    ("http://evil.example:8011", "evil.example:8011"),
    ("http://10.0.0.1:8011", "10.0.0.1:8011"),
    # The node's own name, but another port or another host asked.
    ("http://mq.example:9000", "mq.example:8011"),
    ("http://mq.example:8011", "192.168.1.5:8011"),
    ("http://mq.example:8011", None),
    ("http://mq.example:8011", ""),
    ("http://mq.example:8011", "mq.example:8011, evil.example"),
    ("https://mq.example", "mq.example:80"),
    ("http://mq.example.evil.example:8011", "mq.example:8011"),
    ("http://localhost.evil.example", "localhost"),
    ("http://evil.localhost", "localhost"),
    ("http://notlocalhost", "localhost"),
    ("http://localhost@evil.example", "localhost"),
    ("http://user:pw@localhost", "localhost"),
    ("http://localhost/", "localhost"),
    ("http://localhost?x", "localhost"),
    ("http://localhost#x", "localhost"),
    ("http://localhost:", "localhost"),
    ("http://localhost:80:80", "localhost"),
    ("http://localhost:123456", "localhost"),
    ("http://localhost http://evil.example", "localhost"),
    ("http://localhost\n", "localhost"),
    ("file://localhost", "localhost"),
    ("file://", "localhost"),
    ("chrome-extension://localhost", "localhost"),
    ("localhost", "localhost"),
    ("//localhost", "localhost"),
    ("http://127.0.0.1.evil.example", "127.0.0.1"),
    ("http://128.0.0.1", "128.0.0.1"),
    ("http://2130706433", "127.0.0.1"),
    ("http://0x7f.1", "127.0.0.1"),
    ("http://[::2]", "[::2]"),
    ("http://[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]"),
    ("http://[::1", "localhost"),
    ("http://[localhost]", "localhost"),
    ("http://ⓛocalhost", "localhost"),
)


class OriginTests(SynchronousTestCase):
    """The table."""

    def test_allowed(self):
        for origin, host in ALLOWED:
            self.assertTrue(origin_allowed(origin, host, OWN), (origin, host))

    def test_refused(self):
        for origin, host in REFUSED:
            self.assertFalse(origin_allowed(origin, host, OWN), (origin, host))

    def test_without_own_names_only_this_machine_may_ask(self):
        self.assertFalse(origin_allowed("http://mq.example:8011", "mq.example:8011"))
        self.assertTrue(origin_allowed("http://localhost:8011", "mq.example:8011"))
