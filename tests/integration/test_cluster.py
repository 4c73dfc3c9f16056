"""Brokers and registries as real processes: who is there, who is not any more, and who comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import PATIENCE, ROOT, BrokerProcess, folder, tell, until
from tests.integration.http import Api
from tests.integration.pool import free_port
from tests.integration.pool import registry as start_registry

GONE_WITHIN = 10.0  # seconds until a killed broker is listed no more, in a LAN's profile
LEFT_WITHIN = 1.0
QUICK = {"CLUSTER_GOSSIPPROFILE": "local"}
QUICK_REGISTRY = {"REGISTRY_GOSSIPPROFILE": "local"}


class ClusterTests(SynchronousTestCase):
    """GetNodes of registries and brokers."""

    def broker(self, *registries, **more):
        """A broker that knows of these registries, or of whatever has such a gossip port."""
        ports = [getattr(one, "gossip_port", one) for one in registries]
        places = ",".join(f"127.0.0.1:{port}" for port in ports)
        given = {"CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": 0, "CLUSTER_REGISTRYADDR": places}
        broker = BrokerProcess(self, **given | more).started()
        broker.name = f"mq:127.0.0.1:{broker.port}"
        return broker

    def listed(self, where, *brokers, seconds=PATIENCE):
        """Wait until exactly these are listed there. Gives how long that took."""
        names, begun = sorted(broker.name for broker in brokers), time.monotonic()
        until(lambda: where.nodes() == names, f"{names} at {where.name}", seconds)
        return time.monotonic() - begun

    def test_a_broker_is_listed_within_a_second_and_gone_when_it_dies_or_leaves(self):
        registry = start_registry(self)
        brokers = [self.broker(registry) for _ in range(3)]
        self.listed(registry, *brokers, seconds=1.0)
        for broker in brokers:
            self.listed(Console(broker), *brokers, seconds=5.0)
        brokers[0].kill()
        killed = self.listed(registry, *brokers[1:], seconds=GONE_WITHIN)
        brokers[1].process.send_signal(signal.SIGTERM)
        left = self.listed(registry, brokers[2], seconds=LEFT_WITHIN)
        self.assertEqual(brokers[1].ended(), 0, brokers[1].said())
        self.assertEqual(registry.states()[brokers[1].name], "left")
        tell(f"a killed broker is gone after {killed:.1f} s, one that leaves after {left:.2f} s")

    def test_one_that_drains_is_left_alone_by_clients_at_once(self):
        registry = start_registry(self)
        broker = self.broker(registry)
        self.listed(registry, broker)
        self.assertEqual(broker.api.send("orders", "x").json["code"], 0)
        broker.process.send_signal(signal.SIGUSR2)
        self.listed(registry, seconds=LEFT_WITHIN + 1)

    def test_a_broker_serves_though_its_registry_is_away_and_is_found_when_that_comes(self):
        port = free_port()
        broker = self.broker(port, **QUICK)
        self.assertEqual(broker.api.send("orders", "x").json["code"], 0)
        self.assertEqual(Console(broker).nodes(), [broker.name])
        registry = start_registry(self, gossip_port=port, **QUICK_REGISTRY)
        self.listed(registry, broker)
        registry.kill()
        time.sleep(18)  # by now the broker has forgotten that there was one: local's gossipToTheDeadTime is 15 s
        again = start_registry(self, gossip_port=port, **QUICK_REGISTRY)
        self.listed(again, broker)

    def test_of_three_registries_two_may_die(self):
        first = start_registry(self, **QUICK_REGISTRY)
        place = f"127.0.0.1:{first.gossip_port}"
        others = [start_registry(self, REGISTRY_REGISTRYADDR=place, **QUICK_REGISTRY) for _ in range(2)]
        brokers = [self.broker(first, *others, **QUICK), self.broker(others[1], **QUICK)]
        for registry in (first, *others):
            self.listed(registry, *brokers)
        first.kill()
        others[0].kill()
        # Dead, or dead for so long that it is forgotten already.
        there = {others[1].name, *(broker.name for broker in brokers)}
        known = others[1].states
        until(lambda: {name for name, state in known().items() if state != "dead"} == there, "two dead registries")
        self.listed(others[1], *brokers)
        brokers.append(self.broker(first, *others, **QUICK))
        self.listed(others[1], *brokers)

    def test_who_was_cut_off_for_longer_than_it_is_remembered_comes_back(self):
        registry = start_registry(self, **QUICK_REGISTRY)
        brokers = [self.broker(registry, **QUICK) for _ in range(2)]
        self.listed(registry, *brokers)
        brokers[0].process.send_signal(signal.SIGSTOP)
        self.listed(registry, brokers[1])
        time.sleep(18)
        brokers[0].process.send_signal(signal.SIGCONT)
        self.listed(registry, *brokers)
        self.listed(Console(brokers[0]), *brokers)

    def test_keys_are_changed_without_anybody_being_lost(self):
        old, new = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))
        files = [folder(self) / name for name in ("serena.yaml", "broker.yaml")]

        def use(*keys):
            for file, section in zip(files, ("registry", "cluster"), strict=True):
                file.write_text(f"{section}:\n  gossipKey: {json.dumps(keys)}\n")

        use(old)
        registry = start_registry(self, config=files[0], **QUICK_REGISTRY)
        brokers = [self.broker(registry, config=files[1], **QUICK) for _ in range(2)]
        self.listed(registry, *brokers)
        told = Counter()
        for keys in ((old, new), (new, old), (new,)):
            use(*keys)
            for each in (registry, *brokers):
                told[each, len(keys)] += 1
                each.process.send_signal(signal.SIGHUP)
                text = f"gossip has {len(keys)} keys now"
                until(lambda: log_of(each).count(text) >= told[each, len(keys)], "the keys", 10)  # noqa: B023
            time.sleep(2)
            self.assertEqual(set(registry.states().values()), {"alive"})
        late = self.broker(registry, CLUSTER_GOSSIPKEY=new, **QUICK)
        self.listed(registry, *brokers, late)
        files[0].write_text("registry:\n  gossipKey: []\n")
        registry.process.send_signal(signal.SIGHUP)
        until(lambda: "the settings stay as they were" in log_of(registry), "refusal")
        self.listed(registry, *brokers, late)

    def test_a_gossip_port_that_is_taken_is_named_and_the_broker_does_not_start(self):
        registry = start_registry(self)
        given = {"CLUSTER_ISCLUSTER": 1, "CLUSTER_GOSSIPPORT": registry.gossip_port}
        broker = BrokerProcess(self, **given)
        self.assertEqual(broker.ended(), 1)
        self.assertIn("cluster.gossipPort", broker.err.read_text())


def log_of(process):
    """All that it has logged."""
    return "".join(file.read_text(errors="replace") for file in process.folder.glob("log/*"))


class Console:
    """A broker's own GetNodes."""

    def __init__(self, broker):
        self.name = f"{broker.name}'s console"
        self._api = broker.api

    def nodes(self):
        """The names."""
        return [node["Name"] for node in json.loads(self._api.post("/Console/GetNodes").body) or ()]


class MakeTests(SynchronousTestCase):
    """`make cluster`."""

    def test_it_starts_a_registry_and_three_brokers_and_ends_them(self):
        ports = [free_port() for _ in range(8)]
        pairs = [f"{http}:{gossip}" for http, gossip in zip(ports[::2], ports[1::2], strict=True)]
        place, prefix = folder(self), Path(sys.prefix)
        # What is installed is left as it is: -o.
        command = ["make", "-o", str(prefix / "run"), f"VENV={prefix}", f"CLUSTER={place}"]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("KAPOKMQ_", "SERENA_"))}
        made = subprocess.Popen(
            [*command, f"REGISTRY={pairs[0]}", f"BROKERS={' '.join(pairs[1:])}", "cluster"],
            cwd=ROOT,
            env=environ | {"PYTHONPATH": str(ROOT), "MAKEFLAGS": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(self._end, made, signal.SIGKILL)
        api = Api(ports[0], "test")
        names = sorted(f"mq:127.0.0.1:{port}" for port in ports[2::2])

        def nodes():
            return [node["Name"] for node in json.loads(api.post("/Registry/GetNodes").body or b"[]") or ()]

        until(lambda: nodes() == names, f"{names}")
        self._end(made, signal.SIGINT)
        made.wait(PATIENCE)
        until(lambda: api.get("/healthz").status == 0, "end of the registry")

    def _end(self, made, how):
        if made.poll() is None:
            os.killpg(made.pid, how)
