"""What registries tell."""

import contextlib  # trial takes a name `suppress` in a module for its own

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.client.classic.nodes import Node, Roster, read_answer, read_nodes
from kapokmq.core.client.errors import WrongKey
from kapokmq.core.errors import BadMessage

ONE = b'[{"Name":"mq:127.0.0.1:8011","Addr":"127.0.0.1","Port":"8011"}]'
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"


def nodes(*ports):
    return [Node(f"mq:h:{port}", "h", str(port)) for port in ports]


class NodesTests(SynchronousTestCase):
    def test_a_list(self):
        self.assertEqual(read_nodes(ONE), [Node("mq:127.0.0.1:8011", "127.0.0.1", "8011")])
        self.assertEqual(read_nodes(ONE)[0].address, "127.0.0.1:8011")
        self.assertEqual(Node("", "::1", "1").address, "[::1]:1")

    def test_none_is_null_or_empty(self):
        self.assertEqual((read_nodes(b"null"), read_nodes(b"[]")), ([], []))

    def test_a_wrong_key(self):
        self.assertRaises(WrongKey, read_nodes, b'{"code":-1,"msg":"Secret key matching error"}')

    def test_what_nobody_could_dial_is_left_out(self):
        rows = b",".join(
            b'{"Name":"","Addr":"%b","Port":"%b"}' % place
            for place in ((b"h", b"0"), (b"a/b", b"1"), (b"", b"1"), (b"h", b"1x"), (b"u@h", b"1"), (b"h", b"65536"))
        )
        self.assertEqual(read_nodes(b"[" + rows + b',{"Name":"","Addr":"h","Port":"1"}]'), [Node("", "h", "1")])

    def test_what_is_no_list_is_refused(self):
        for body in (
            b"",
            b"7",
            b'{"code":-1,"msg":"other"}',
            b'[{"Name":"x"}]',
            b'[{"Name":"","Addr":"","Port":1}]',
            b"{",
        ):
            self.assertRaises(BadMessage, read_nodes, body)

    @given(st.binary(max_size=60))
    def test_junk_is_read_or_refused(self, junk):
        for read in (read_nodes, read_answer):
            with contextlib.suppress(BadMessage):
                read(junk)


class AnswerTests(SynchronousTestCase):
    def test_the_body(self):
        self.assertEqual(read_answer(HEAD + b"\r\nnull"), b"null")
        self.assertEqual(read_answer(HEAD + b"content-length: 4\r\n\r\nnull"), b"null")
        self.assertEqual(read_answer(b"HTTP/1.1 200 OK\r\n\r\na\r\n\r\nb"), b"a\r\n\r\nb")

    def test_what_is_cut_or_refused_or_something_else(self):
        for answer in (
            b"",
            b"HTTP/1.0 200 OK\r\n",
            b"HTTP/1.1\r\n\r\n",
            b"SSH-2.0\r\n\r\n",
            b"HTTP/1.0 404 Not Found\r\n\r\n",
            b"HTTP/1.0 2000\r\n\r\n",
            HEAD + b"Content-Length: 5\r\n\r\nnull",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nnull\r\n0\r\n\r\n",
        ):
            self.assertRaises(BadMessage, read_answer, answer)


class RosterTests(SynchronousTestCase):
    def setUp(self):
        self.roster = Roster()

    def test_new_nodes(self):
        self.assertEqual(self.roster.listed(nodes(1, 2, 1)), (["h:1", "h:2"], []))
        self.assertEqual(self.roster.listed(nodes(2, 3)), (["h:3"], []))

    def test_a_node_is_given_up_when_it_was_absent_three_times(self):
        self.roster.listed(nodes(1, 2))
        for _ in range(2):
            self.assertEqual(self.roster.listed(nodes(2)), ([], []))
        self.assertEqual(self.roster.listed(nodes(2)), ([], ["h:1"]))
        self.assertEqual(self.roster.listed(nodes(2)), ([], []))
        self.assertEqual(self.roster.listed(nodes(1, 2)), (["h:1"], []))

    def test_being_there_again_counts(self):
        self.roster.listed(nodes(1, 2))
        for there in ((2,), (2,), (1, 2), (2,), (2,)):
            self.assertEqual(self.roster.listed(nodes(*there)), ([], []))

    def test_a_registry_that_knows_of_none_changes_nothing(self):
        self.roster.listed(nodes(1))
        for _ in range(9):
            self.assertEqual(self.roster.listed([]), ([], []))
        self.assertEqual(self.roster.listed(nodes(1)), ([], []))
