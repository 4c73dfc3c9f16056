"""Names of nodes."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.node_name import BROKER, REGISTRY, NodeName, bracketed, node_name, parse_node_name


class NodeNameTests(SynchronousTestCase):
    def test_ours(self):
        for name, kind, host, port in [
            (b"mq:127.0.0.1:8011", BROKER, "127.0.0.1", 8011),
            (b"r:10.0.0.1:8031", REGISTRY, "10.0.0.1", 8031),
            (b"mq:broker-1.example.com:1", BROKER, "broker-1.example.com", 1),
            (b"mq:[::1]:65535", BROKER, "[::1]", 65535),
            (b"mq:0.0.0.0:8011", BROKER, "0.0.0.0", 8011),
        ]:
            self.assertEqual(parse_node_name(name), NodeName(kind, host, port))
            self.assertEqual(node_name(kind, host, port).encode(), name)

    def test_the_first_version_s(self):
        self.assertEqual(parse_node_name(b"mq-127.0.0.1:8011"), NodeName("mq", "127.0.0.1", 8011))
        self.assertEqual(parse_node_name(b"r-h:1"), NodeName("r", "h", 1))

    def test_anything_else_is_none(self):
        for name in [
            b"", b"x", b"mq", b"mq:", b"mq::", b"mq::1", b"mq:h", b"mq:h:", b"mq:h:0", b"mq:h:01", b"mq:h:65536",
            b"mq:h:999999", b"mq:h:8011 ", b"mq:h:8011\n", b" mq:h:8011", b"MQ:h:8011", b"mqx:h:1", b"mq:h:+1",
            b"mq:h:1:2",
            b"mq:::1:8011", b"mq:[::1:8011", b"mq:[x]:1", b"mq:[::g]:1", b"mq:[1:2]:3", b"mq:[]:1", b"mq:a b:1",
            b"mq:h/x:1", b"mq:<b>:1", b"mq:\xff:1", "mq:ü:1".encode(), b"mq:h:\xd9\xa1", b"mq:" + b"h" * 254 + b":1",
            b"r:h", b"serf-1", b"q:h:1",
        ]:  # fmt: skip
            self.assertIsNone(parse_node_name(name), name)

    @given(st.binary(max_size=40))
    def test_whatever_is_a_name_is_written_again(self, junk):
        for name in (junk, b"mq:" + junk, b"mq:" + junk + b":1"):
            found = parse_node_name(name)
            if found is not None:
                self.assertEqual(node_name(*found).encode(), name.replace(b"mq-", b"mq:", 1).replace(b"r-", b"r:", 1))

    def test_only_an_ipv6_address_needs_brackets(self):
        self.assertEqual([bracketed(host) for host in ("h", "::1", "[::1]")], ["h", "[::1]", "[::1]"])
        self.assertEqual(node_name("r", "::1", 5), "r:[::1]:5")
