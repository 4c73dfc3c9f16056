"""A registry's files: which one is read, and what we ship."""

import os
from base64 import b64encode
from pathlib import Path

import yaml
from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import SettingsError
from serena.core.gossip_kinds import Place
from serena.core.node_settings import BUILT_IN, GossipSettings, RegistrySettings
from serena.core.setting_keys import KEYS, OVERRIDES
from serena.core.swim.profile import LAN
from serena.services.config import PLACES, load

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "config" / "serena.yaml"


def disk(files):
    """A reader of these files and no others."""

    def read(path):
        if path not in files:
            raise FileNotFoundError
        return files[path]

    return read


class PlaceTests(SynchronousTestCase):
    def test_the_order(self):
        ours, theirs, named = (f"server: {{port: {port}}}".encode() for port in (1, 2, 3))
        both = {PLACES[0]: ours, PLACES[1]: theirs, "x.yaml": named}
        for path, files, port, source in [
            ("x.yaml", both, 3, "x.yaml"),
            (None, both, 1, "config/serena.yaml"),
            (None, {PLACES[1]: theirs}, 2, "config/application.yaml"),
            (None, {}, 8031, BUILT_IN),
        ]:
            found = load(path, {}, disk(files))
            self.assertEqual((found.server.port, found.source), (port, source))

    def test_the_environment_comes_last_and_strangers_are_mistakes(self):
        found = load("a.yaml", {"SERENA_SERVER_PORT": "5"}, disk({"a.yaml": b"server: {port: 1}"}))
        self.assertEqual(found.server.port, 5)
        error = self.assertRaises(SettingsError, load, None, {"SERENA_PORT": "5", "KAPOKMQ_X": "1"}, disk({}))
        self.assertEqual(len(str(error).splitlines()), 1)
        self.assertIn("SERENA_PORT: unknown", str(error))

    def test_keys_that_look_like_numbers(self):
        found = load("a.yaml", {}, disk({"a.yaml": b"registry: {secretKey: 0123, registryAddr: 1.5}"}))
        self.assertEqual((found.access.secret.reveal(), found.gossip.seeds), ("0123", (Place("1.5"),)))

    def test_an_original_file(self):
        text = "server:\n  # ip\n  addr: 0.0.0.0\n  port: 8031\n\nregistry:\n  secretKey: test\n  gossipPort: 8041\n"
        found = load(None, {}, disk({PLACES[1]: text.encode()}))
        self.assertEqual((found.server.port, found.gossip.port, found.server.bind), (8031, 8041, "0.0.0.0"))
        self.assertEqual(len(found.warnings), 2)


class ShippedTests(SynchronousTestCase):
    def test_the_shipped_file_is_the_defaults(self):
        found = load(str(SHIPPED), {})
        self.assertEqual((found.server, found.gossip), (RegistrySettings().server, GossipSettings()))
        self.assertEqual((found.access, found.log), (RegistrySettings().access, RegistrySettings().log))

    def test_every_key_is_in_it_and_what_is_commented_out_is_lan_s(self):
        text = SHIPPED.read_text("utf-8")
        for line in text.splitlines():
            name = line.strip(" #").partition(":")[0]
            if line.startswith("    # ") and name in OVERRIDES:
                text = text.replace(line, line.replace("# ", "", 1))
        values = yaml.safe_load(text)["registry"]["gossip"]
        for name, (field, _, _) in OVERRIDES.items():
            self.assertEqual(values[name], getattr(LAN, field), name)
        for key in KEYS:
            name = key.path.rpartition(".")[2]
            if name != "discoveryCycle":  # the original's, without effect
                self.assertIn(f"{name}:", text)

    def test_what_is_commented_out_can_be_used(self):
        text = SHIPPED.read_text("utf-8")
        for line in ("gossipAddr: 10.0.0.1", "gossipBind: 0.0.0.0", "delegateVersions: [0, 0, 0]"):
            self.assertIn(f"  # {line}", text)
            text = text.replace(f"  # {line}", f"  {line}")
        found = load("a.yaml", {}, disk({"a.yaml": text.encode()}))
        self.assertEqual((found.gossip.addr, found.gossip.bind), ("10.0.0.1", "0.0.0.0"))
        self.assertEqual(found.gossip.delegate_versions, (0, 0, 0))

    def test_the_example_warns_of_nothing_once_the_keys_are_set(self):
        environ = {"SERENA_REGISTRY_SECRETKEY": "k", "SERENA_REGISTRY_GOSSIPKEY": b64encode(os.urandom(32)).decode()}
        for path in (ROOT / "config" / "examples" / "serena").glob("*.yaml"):
            found = load(str(path), environ)
            self.assertEqual((found.warnings, len(found.gossip.keys)), ((), 1))
