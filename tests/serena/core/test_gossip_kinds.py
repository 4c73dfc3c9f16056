"""What the keys of gossip take."""

from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from serena.core.gossip_kinds import GossipKeys, Label, Place, Places, Versions
from serena.core.kinds import UnfitError

K16, K32 = b64encode(b"k" * 16).decode(), b64encode(bytes(32)).decode()


class KindCase(SynchronousTestCase):
    kind = Places()

    def refuses(self, *values):
        for value in values:
            with self.assertRaises(UnfitError, msg=repr(value)):
                self.kind.read(value)
        self.assertTrue(self.kind.allowed)


class PlacesTests(KindCase):
    def test_hosts_and_ports(self):
        for text, host, port in [
            ("h", "h", None),
            ("10.0.0.1", "10.0.0.1", None),
            ("h:8041", "h", 8041),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:8041", "::1", 8041),
            ("2001:DB8::1", "2001:db8::1", None),
        ]:
            (found,) = self.kind.read(text)
            self.assertEqual(found, Place(host, port))
            self.assertEqual(self.kind.read(str(found)), (found,))

    def test_lists(self):
        wanted = (Place("a"), Place("b", 1))
        for given_ in (["a", "b:1"], ["a", "b:1", "a"], ("a", "b:1"), "a, b:1", "a,b:1,"):
            self.assertEqual(self.kind.read(given_), wanted)
        self.assertEqual(self.kind.written(wanted), ["a", "b:1"])
        self.assertEqual((self.kind.written(wanted[:1]), self.kind.written(())), ("a", []))
        self.assertEqual((self.kind.read([]), self.kind.read("")), ((), ()))

    def test_the_rest(self):
        self.refuses(1, None, {}, [1], [None], ["a b"], "h:0", "h:65536", "h:x", "h:", "[::1", "[x]:1", "1:2:3", "a@b")
        self.refuses([f"h{n}" for n in range(65)], "x" * 254, ["[]"], [""], ":1")

    @given(st.text(max_size=20))
    def test_junk(self, junk):
        try:
            places = self.kind.read(junk)
        except UnfitError:
            return
        self.assertEqual(self.kind.read([str(place) for place in places]), places)


class GossipKeysTests(KindCase):
    kind = GossipKeys()

    def test_keys(self):
        self.assertEqual(self.kind.read([K16, K32, K16]), (b"k" * 16, bytes(32)))
        self.assertEqual(self.kind.read(K16), (b"k" * 16,))
        self.assertEqual(self.kind.parse(f"{K16}, {K32}"), [K16, K32])
        self.assertEqual(self.kind.read([]), ())

    def test_they_are_not_shown(self):
        self.assertTrue(self.kind.secret)
        self.assertEqual(self.kind.written((b"k" * 16, bytes(32))), ["***", "***"])

    def test_the_rest(self):
        self.refuses(1, None, [1], ["x"], [K16 + "x"], [K16[:-2]], "k" * 16, [b"k" * 16], ["ü"], {K16: 1})
        self.refuses([b64encode(bytes([n]) * 16).decode() for n in range(17)])


class VersionsTests(KindCase):
    kind = Versions()

    def test_three(self):
        self.assertEqual(self.kind.read([2, 5, 5]), (2, 5, 5))
        self.assertEqual(self.kind.read(self.kind.parse("0,0, 0")), (0, 0, 0))
        self.assertEqual(self.kind.written((2, 5, 5)), [2, 5, 5])

    def test_the_rest(self):
        self.refuses(1, None, "2,5,5", [2, 5], [2, 5, 5, 5], [2, 5, 6], [3, 5, 2], [-1, 5, 5], [2, 256, 256])
        self.refuses([True, 5, 5], [2.0, 5, 5], ["2", "5", "5"], self.kind.parse("a,b,c"))


class LabelTests(KindCase):
    kind = Label(255, 0)

    def test_bytes(self):
        self.assertEqual((self.kind.read(""), self.kind.read("pööl")), (b"", "pööl".encode()))
        self.assertEqual(self.kind.written("pööl".encode()), "pööl")

    def test_the_rest(self):
        self.refuses(1, None, "ö" * 128, "x" * 256, "a\n")
