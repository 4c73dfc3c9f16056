"""A registry's settings."""

from base64 import b64encode
from dataclasses import fields
from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from serena.core.errors import SettingsError
from serena.core.gossip_kinds import Place
from serena.core.node_settings import GossipSettings, RegistrySettings
from serena.core.setting_keys import (
    KEYS,
    OVERRIDES,
    PROFILES,
    check_gossip,
    gossip_keys,
    gossip_settings,
    gossip_warnings,
    is_loopback,
    read_settings,
    text_names,
)
from serena.core.settings import Reader

HUNTER = b64encode(b"hunter2-hunter2-").decode()


def mistakes(case, document, environ=None):
    """The lines of what is wrong."""
    error = case.assertRaises(SettingsError, read_settings, document, "a.yaml", environ)
    return str(error).splitlines()


class DefaultTests(SynchronousTestCase):
    def test_nothing_given_is_the_defaults(self):
        for document in (None, {}, {"registry": None, "server": {}}, {"registry": {"gossip": None}}):
            found = read_settings(document)
            self.assertEqual(found.server, RegistrySettings().server)
            self.assertEqual(found.gossip, GossipSettings())
            self.assertEqual((found.access, found.log), (RegistrySettings().access, RegistrySettings().log))

    def test_the_key_that_everybody_knows_is_warned_of(self):
        self.assertEqual(len(read_settings(None).warnings), 1)
        self.assertIn("registry.secretKey: still the key", read_settings(None).warnings[0])
        self.assertEqual(read_settings({"registry": {"secretKey": "k"}}).warnings, ())


class OriginalTests(SynchronousTestCase):
    """The originals' files."""

    def test_the_last_one(self):
        document = {"server": {"addr": "0.0.0.0", "port": 8031}, "registry": {"secretKey": "k", "gossipPort": 8041}}
        found = read_settings(document, "application.yaml")
        self.assertEqual((found.server.addr, found.server.bind, found.server.port), ("0.0.0.0", "0.0.0.0", 8031))
        self.assertEqual((found.gossip.port, found.gossip.bind, found.gossip.keys), (8041, "0.0.0.0", ()))
        self.assertEqual(found.access.secret.reveal(), "k")
        self.assertEqual(len(found.warnings), 1)
        self.assertIn("application.yaml: registry.gossipKey: none, while 0.0.0.0 is listened on", found.warnings[0])

    def test_the_first_one(self):
        document = {"server": {"addr": ""}, "registry": {"secretKey": "k", "port": 8020, "discoveryCycle": 3}}
        found = read_settings(document, "application.yaml")
        self.assertEqual((found.server.addr, found.gossip.port), ("0.0.0.0", 8020))
        self.assertIn("application.yaml: registry.port: an older name of registry.gossipPort", found.warnings)
        self.assertIn("registry.discoveryCycle: has no effect", found.warnings[1])

    def test_ports_in_quotes(self):
        found = read_settings({"server": {"port": "1"}, "registry": {"gossipPort": "2"}})
        self.assertEqual((found.server.port, found.gossip.port), (1, 2))


class GivenTests(SynchronousTestCase):
    def test_gossip(self):
        section = {
            "gossipAddr": "10.0.0.1",
            "gossipBind": "10.0.0.2",
            "gossipKey": [HUNTER],
            "registryAddr": ["a", "b:1"],
            "registryGossipPort": 9,
            "delegateVersions": [2, 5, 5],
            "gossip": {
                "profile": "wan",
                "label": "pool",
                "compression": 1,
                "verifyIncoming": 0,
                "verifyOutgoing": 0,
                "allowed": ["10.0.0.0/8"],
                "maxMembers": 7,
                "probeInterval": 2,
                "probeTimeout": 0.3,
                "gossipNodes": 5,
            },
        }
        found = read_settings({"registry": section}).gossip
        self.assertEqual((found.addr, found.bind, found.keys), ("10.0.0.1", "10.0.0.2", (b"hunter2-hunter2-",)))
        self.assertEqual((found.seeds, found.seed_port), ((Place("a"), Place("b", 1)), 9))
        self.assertEqual((found.delegate_versions, found.profile, found.label), ((2, 5, 5), "wan", b"pool"))
        self.assertEqual((found.compression, found.verify_incoming, found.verify_outgoing), (True, False, False))
        self.assertEqual((found.allowed, found.max_members), ((ip_network("10.0.0.0/8"),), 7))
        self.assertEqual(found.overrides, {"probe_interval": 2.0, "probe_timeout": 0.3, "gossip_nodes": 5})
        self.assertNotIn("hunter2", repr(found))

    def test_the_environment_overrides(self):
        environ = {
            "SERENA_SERVER_PORT": "0",
            "SERENA_REGISTRY_GOSSIPPORT": "0",
            "SERENA_REGISTRY_REGISTRYADDR": "a,[::1]:5",
            "SERENA_REGISTRY_GOSSIPKEY": HUNTER,
            "SERENA_REGISTRY_GOSSIPPROFILE": "local",
            "SERENA_REGISTRY_GOSSIPALLOWED": "127.0.0.1,10.0.0.0/8",
            "SERENA_REGISTRY_DELEGATEVERSIONS": "2,5,5",
        }
        found = read_settings({"server": {"port": 5}}, environ=environ)
        self.assertEqual((found.server.port, found.gossip.port), (0, 0))
        self.assertEqual(found.gossip.seeds, (Place("a"), Place("::1", 5)))
        self.assertEqual((found.gossip.keys, found.gossip.profile), ((b"hunter2-hunter2-",), "local"))
        self.assertEqual((len(found.gossip.allowed), found.gossip.delegate_versions), (2, (2, 5, 5)))

    def test_the_server_s_bind_follows_its_addr(self):
        for section, bind in [
            ({"addr": "localhost"}, "127.0.0.1"),
            ({"addr": "h"}, "0.0.0.0"),
            ({"addr": "h", "bind": "10.0.0.1"}, "10.0.0.1"),
        ]:
            found = read_settings({"server": section})
            self.assertEqual((found.server.bind, found.gossip.bind, found.gossip.addr), (bind, bind, section["addr"]))

    def test_tls(self):
        found = read_settings({"server": {"tls": {"certificate": "c", "key": "k"}}})
        self.assertEqual((found.server.certificate, found.server.private_key), ("c", "k"))

    def test_each_override_is_a_field_of_the_profile(self):
        names = {field.name for profile in PROFILES.values() for field in fields(profile)}
        self.assertEqual({name for name, _, _ in OVERRIDES.values()}, names - {"tcp_pings"})


class MistakeTests(SynchronousTestCase):
    def test_all_are_told_at_once_and_nothing_secret(self):
        document = {
            "server": {"port": 8041, "tls": {"key": "k"}},
            "registry": {
                "gossipKey": [HUNTER, "short"],
                "delegateVersions": [9],
                "secretkey": HUNTER,
                "gossip": {"profile": "moon", "probeTimeout": 3, "speed": 1},
            },
        }
        lines = mistakes(self, document, {"SERENA_REGISTRY_GOSSIPGOSSIPNODES": "0"})
        self.assertEqual(
            [line.partition(" must")[0].rstrip(":") for line in lines],
            [
                "a.yaml: registry.gossipKey",
                "a.yaml: registry.delegateVersions",
                "a.yaml: registry.secretkey: unknown; did you mean secretKey?",
                "a.yaml: registry.gossip.profile",
                "a.yaml: registry.gossip.speed: unknown",
                "environment: SERENA_REGISTRY_GOSSIPGOSSIPNODES",
                "a.yaml: server.port: 8041 is registry.gossipPort as well; each needs a port of its own",
                "a.yaml: server.tls.key: needs server.tls.certificate as well",
                "a.yaml: registry.gossip.probeTimeout: probeTimeout",
            ],
        )
        self.assertNotIn(HUNTER, "".join(lines))

    def test_ports_that_are_the_same(self):
        section = {"server": {"port": 5}, "registry": {"gossipPort": 5}}
        self.assertEqual(
            mistakes(self, section),
            ["a.yaml: registry.gossipPort: 5 is server.port as well; each needs a port of its own"],
        )
        read_settings({"server": {"port": 0}, "registry": {"gossipPort": 0}})

    def test_a_probe_interval_shorter_than_the_profile_s_timeout(self):
        lines = mistakes(self, {"registry": {"gossip": {"probeInterval": 0.2}}})
        self.assertIn("probeTimeout must be at most probeInterval (0.2 s)", lines[0])
        read_settings({"registry": {"gossip": {"probeInterval": 0.2, "probeTimeout": 0.2}}})


class SectionTests(SynchronousTestCase):
    """Gossip's keys in the section of another kind of node."""

    def test_a_broker_s(self):
        keys = gossip_keys("cluster", 8021, ["127.0.0.1"])
        reader = Reader(keys)
        reader.document({"cluster": {"registryAddr": "a", "gossip": {"profile": "local"}}}, "a.yaml")
        check_gossip(reader, "cluster", "a.yaml")
        reader.finish()
        found = gossip_settings(reader, "cluster", "h", "0.0.0.0")
        self.assertEqual((found.port, found.seeds, found.profile), (8021, (Place("a"),), "local"))
        self.assertEqual((found.addr, found.bind), ("h", "0.0.0.0"))
        self.assertEqual(len(list(gossip_warnings(reader, "cluster", found, "a.yaml"))), 1)
        self.assertEqual(list(gossip_warnings(reader, "cluster", GossipSettings(), "a.yaml")), [])

    def test_a_registry_that_cannot_be_reached_from_loopback(self):
        for seeds, bind, warnings in [
            (["127.0.0.1", "h", "0.0.0.0"], "127.0.0.1", 0),
            (["10.0.0.1", "h"], "127.0.0.1", 1),
            (["10.0.0.1"], "10.0.0.2", 0),
        ]:
            section = {"registryAddr": seeds, "gossipBind": bind, "gossip": {"allowed": ["::/0"]}, "secretKey": "k"}
            self.assertEqual(len(read_settings({"registry": section}).warnings), warnings, seeds)

    def test_without_those_that_a_broker_has_already(self):
        all_of_them, some = gossip_keys("c", 1, ()), gossip_keys("c", 1, (), every=False)
        self.assertEqual(
            {key.path for key in all_of_them} - {key.path for key in some},
            {"c.gossipPort", "c.registryAddr", "c.registryGossipPort"},
        )

    def test_texts(self):
        self.assertLessEqual({"secretKey", "registryAddr", "gossipKey", "addr", "label"}, text_names(KEYS))
        self.assertNotIn("port", {name for name in text_names(KEYS) if name == "gossipPort"})

    def test_loopback(self):
        self.assertEqual([is_loopback(host) for host in ("::1", "localhost", "h")], [True, True, False])
