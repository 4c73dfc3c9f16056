"""What the documents name exists: files and headings they link to, routes, metrics, close codes and their reasons."""

import re
from pathlib import Path
from random import Random
from urllib.parse import unquote

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.engine import Figures
from kapokmq.protocols.client_file import ClientFile
from kapokmq.protocols.console import Console
from kapokmq.protocols.console_files import make_console
from kapokmq.protocols.producer_http import ProducerHttp
from kapokmq.services.metrics import NodeMetrics
from serena.core.node_settings import GossipSettings
from serena.core.setting_keys import KEYS
from serena.services.gossip import Gossip
from serena.services.gossip_metrics import GossipCollector
from serena.web.members import Members
from serena.web.ops import Ops
from serena.web.page import Page
from serena.web.registry import Registry
from tests.integration.broker import start
from tests.integration.wire import BINARY, CLOSE, PING, Producer, frame

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS.append(ROOT / "examples" / "README.md")
PROTOCOL, OPERATIONS = ROOT / "docs" / "protocol.md", ROOT / "docs" / "operations.md"
_LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|^    [^\n]*$", re.DOTALL | re.MULTILINE)


def prose(document):
    """A document without its blocks of code."""
    return _CODE.sub("", document.read_text("utf-8"))


def anchors(document):
    """What links into a document may name: its headings, as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def tables(text, heading):
    """The tables in the section of a heading: rows of cells, without the head."""
    section = re.split(
        r"^#+ ", re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1], flags=re.MULTILINE
    )
    found = re.findall(r"(?:^\|.*\n)+", section[0], re.MULTILINE)
    return [[_cells(line) for line in table.splitlines()[2:]] for table in found]


def _cells(line):
    return [cell.strip() for cell in line.strip("|").split(" | ")]


class ClusterTests(SynchronousTestCase):
    """docs/cluster.md and the keys of a registry."""

    def test_it_has_each_key_with_its_default_and_range(self):
        (rows,) = tables((ROOT / "docs" / "cluster.md").read_text("utf-8"), "Every key of a registry")
        default = {"None": "none", "()": "`[]`"}
        self.assertEqual(
            [(row[0], row[2], row[3], row[4]) for row in rows],
            [
                (f"`{key.path}`", key.unit, default.get(str(key.default), f"`{key.default}`"), key.kind.allowed)
                for key in KEYS
            ],
        )
        self.assertTrue(all(row[1] for row in rows))

    def test_its_metrics_exist(self):
        gossip = Gossip(GossipSettings(), name="x", reactor=Clock(), chance=Random(1), entropy=bytes)  # noqa: S311
        found = {family.name: family.type for family in GossipCollector(gossip).collect()}
        (rows,) = tables((ROOT / "docs" / "cluster.md").read_text("utf-8"), "Metrics")
        named = {name.removesuffix("_total"): row[1] for row in rows for name in re.findall(r"`(serena_\w+)`", row[0])}
        self.assertEqual(named, found)

    def test_its_routes_are_answered(self):
        text = (ROOT / "docs" / "cluster.md").read_text("utf-8")
        apps = (Registry.app, Members.app, Ops.app, Page("registry.html").app)
        rules = {rule.rule for app in apps for rule in app.url_map.iter_rules() if "/assets/" not in rule.rule}
        named = set(re.findall(r"`(?:GET |POST )?(/[A-Za-z0-9/]*)`", "".join(text.split("## A broker")[0])))
        self.assertEqual(named, rules)


class LinkTests(SynchronousTestCase):
    def test_every_document_is_there(self):
        names = {document.name for document in DOCUMENTS}
        self.assertGreaterEqual(names, {"README.md", "protocol.md", "operations.md", "architecture.md"})
        self.assertTrue((ROOT / "LICENSE").read_text("utf-8").lstrip().startswith("Apache License"))

    def test_every_link_leads_somewhere(self):
        seen = 0
        for document in DOCUMENTS:
            for link in _LINK.findall(prose(document)):
                if link.startswith(("http://", "https://")):
                    continue
                seen += 1
                path, _, anchor = unquote(link).partition("#")
                target = (document.parent / path).resolve() if path else document
                self.assertTrue(target.exists(), f"{document.name}: {link}")
                self.assertTrue(target.is_relative_to(ROOT), f"{document.name}: {link} leaves the repository")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{document.name}: {link}")
        self.assertGreater(seen, 80)

    def test_every_document_is_linked_from_the_readme(self):
        text = (ROOT / "README.md").read_text("utf-8")
        for document in DOCUMENTS[1:]:
            self.assertIn(f"]({document.relative_to(ROOT)})", text)


class MetricTests(SynchronousTestCase):
    def test_the_table_names_the_metrics_that_there_are(self):
        metrics = NodeMetrics(lambda: Figures(*[0] * len(Figures._fields)), lambda: (0, 0, 0), "1", lambda: 0.0)
        types = re.findall(r"^# TYPE (\S+) (\S+)$", metrics.exposition().decode(), re.MULTILINE)
        exposed = {(name, kind) for name, kind in types if not name.endswith("_created")}
        (rows,) = tables(OPERATIONS.read_text("utf-8"), "Metrics")
        self.assertGreater(len(rows), 10)
        self.assertEqual({(name.strip("`"), kind) for name, kind, _ in rows}, exposed)

    def test_metrics_in_the_text_are_in_the_table(self):
        text = OPERATIONS.read_text("utf-8")
        known = {row[0].strip("`") for row in tables(text, "Metrics")[0]}
        named = set(re.findall(r"\bkapokmq_\w+", text + PROTOCOL.read_text("utf-8")))
        self.assertGreater(len(named), 10)
        self.assertEqual(named - known, set())


class RouteTests(SynchronousTestCase):
    def routes(self):
        """Method and path of each route in docs/protocol.md."""
        text = PROTOCOL.read_text("utf-8")
        found = re.findall(r"^### `(\w+) (\S+)`$", text, re.MULTILINE)
        return set(found) | {tuple(row[0].strip("`").split(" ")) for row in tables(text, "The new routes")[0]}

    def test_all_routes_are_documented(self):
        served = {
            (method, rule.rule)
            for app in (Console.app, ProducerHttp.app, Ops.app, make_console(), ClientFile.app)
            for rule in app.url_map.iter_rules()
            if not rule.rule.startswith(("/assets/", "/view"))
            for method in rule.methods - {"HEAD"}
        }
        self.assertGreater(len(served), 12)
        self.assertEqual(self.routes(), served)

    def test_the_readme_names_them_too(self):
        text = (ROOT / "README.md").read_text("utf-8")
        for method, path in self.routes():
            short = re.escape(path.rpartition("/")[2])
            self.assertRegex(text, rf"\| `{method} [^|]*{short}`", path)

    def test_all_documented_routes_are_answered(self):
        broker = start(self)
        routes = self.routes()
        self.assertGreater(len(routes), 12)
        for method, path in sorted(routes):
            answer = broker.api.ask(method, path)
            self.assertEqual(answer.status, 200, f"{method} {path}: {answer.body}")
        self.assertEqual(broker.api.ask("POST", "/Console/Nothing").status, 404)
        for path in ("/Producers/Conn/t/p", "/Consumers/Conn/t/c"):
            self.assertIn(path.replace("t/p", "{topic}/{producerId}").replace("t/c", "{topic}/{consumerId}"),
                          PROTOCOL.read_text("utf-8"))  # fmt: skip
            self.assertEqual(broker.api.get(path).body, b"Bad Request\n")


class RefusalTests(SynchronousTestCase):
    """What docs/protocol.md says of refusals, row by row on the wire."""

    NOT_TRIED = frozenset(
        {
            "topic: this node has 100000 already, which is as many as it may have",
            "a message that does not end within 60 s",
        }
    )
    MESSAGES = {  # noqa: RUF012 -- never changed
        "not JSON at character 1": frame("{"),
        "not a JSON object": frame("[]"),
        "not UTF-8 at byte 0": frame(b"\xff", BINARY),
        "not JSON: nested too deeply": frame("[" * 5_000),
        "JSON: more than 10000 values": frame("[" + "0," * 10_000 + "0]"),
        "MessageData: not a string": frame('{"MessageData":5}'),
        "DelayTime: not an integer": frame('{"DelayTime":"soon"}'),
        "DelayTime: does not fit in 64 bits": frame('{"DelayTime":9223372036854775808}'),
        "DelayTime: more than 3162240000 seconds": frame('{"DelayTime":3162240001}'),
        "MessageData: 1048577 bytes, the limit is 1048576": frame('{"MessageData":"%s"}' % ("x" * 1_048_577)),
        "MessageData: JSON of more than 6291712 bytes, the limit is 1048576 of text": frame("x" * 6_291_713),
    }
    FRAMES = {  # noqa: RUF012 -- never changed
        "unmasked client-to-server frame": b"\x81\x01x",
        "RSV = 4 and no extension negotiated": b"\xc1" + frame("x")[1:],
        "data frame using reserved opcode 3": frame("x", 3),
        "control frame with payload length > 125 octets": frame("x" * 126, PING),
        "a message of more than 1024 fragments": b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 1024,
        "invalid close code 1005": frame(b"\x03\xed", CLOSE),
        "invalid close reason: not UTF-8": frame(b"\x03\xe8\xff", CLOSE),
    }
    PATHS = {  # noqa: RUF012 -- never changed
        "404 page not found": "/Producers/Conn/a%2Fb/p",
        "topic: is not percent-encoded": "/Producers/Conn/%zz/p",
        "topic: is not UTF-8": "/Producers/Conn/%ff/p",
        "topic: is empty": "/Producers/Conn//p",
        "topic: is longer than 255 characters": f"/Producers/Conn/{'t' * 256}/p",
        "topic: has a control character at 1": "/Producers/Conn/t%00/p",
    }

    def _try(self, rows, examples):
        broker = start(self)
        tried = 0
        for _, code, reason in rows:
            if not reason.startswith("`") or reason.strip("`") in self.NOT_TRIED:
                continue
            producer = Producer(self, broker.port)
            producer.publish("before")
            producer.send(examples[reason.strip("`")])
            self.assertEqual(producer.closed(), (int(code), reason.strip("`")))
            tried += 1
        self.assertEqual(tried, len(examples))
        self.assertEqual(broker.api.counts()["all"], tried)

    def test_what_producers_may_not_send(self):
        self._try(tables(PROTOCOL.read_text("utf-8"), "Producers")[1], self.MESSAGES)

    def test_what_no_frame_may_be(self):
        self._try(tables(PROTOCOL.read_text("utf-8"), "Frames")[0], self.FRAMES)

    def test_paths_that_are_refused(self):
        broker = start(self)
        said = {
            row[2].partition(" (")[0].strip("`"): row[1] for row in tables(PROTOCOL.read_text("utf-8"), "Connecting")[1]
        }
        for body, path in self.PATHS.items():
            answer = broker.api.get(path, Upgrade="websocket", Connection="Upgrade")
            self.assertEqual((str(answer.status), answer.body.decode().rstrip("\n")), (said[body], body))
