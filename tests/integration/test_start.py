"""How a node starts and ends: in the foreground, as a daemon, from original files."""

import shutil
import signal
import socket
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import VECTORS, BrokerProcess, folder, start, tell, until
from tests.integration.daemon import Daemon
from tests.integration.http import DELAYED, WAITING
from tests.integration.wire import Closed, Consumer, Producer, frame

BAD = """
server: {port: eight, adr: 127.0.0.1}
mq: {secretKey: zaq12wsx, pushType: 3, checkSpeed: -1, isPersistent: 2}
cluster: {gossipPort: 70000}
"""
MISTAKES = ("server.port", "server.adr", "mq.pushType", "mq.checkSpeed", "cluster.gossipPort")


class WrongSettingsTests(SynchronousTestCase):
    def bad_place(self):
        place = folder(self)
        (place / "config").mkdir()
        (place / "config" / "kapokmq.yaml").write_text(BAD)
        return place

    def check(self, said, place):
        for key in MISTAKES:
            self.assertIn(key, said)
        self.assertIn("config/kapokmq.yaml", said)
        self.assertIn("did you mean", said)
        self.assertNotIn("Traceback", said)
        self.assertNotIn("zaq12wsx", said)
        self.assertFalse((place / "data").exists())
        self.assertFalse((place / "log").exists())

    def test_all_mistakes_at_once_and_exit_code_2(self):
        place = self.bad_place()
        environ = {"MQ_PUSHCOUNT": "many"}
        with_environment = BrokerProcess(self, place, config="config/kapokmq.yaml", **environ)
        self.assertEqual(with_environment.ended(), 2)
        said = with_environment.err.read_text()
        self.check(said, place)
        self.assertIn("KAPOKMQ_MQ_PUSHCOUNT", said)
        self.assertEqual(with_environment.out.read_text(), "")

    def test_the_daemon_form_says_the_same_and_does_not_fork(self):
        place = self.bad_place()
        daemon = Daemon(self, place)
        self.assertEqual(daemon.parent.returncode, 2)
        self.check(daemon.parent.stderr, place)

    def test_a_file_that_is_not_there(self):
        broker = BrokerProcess(self, config="nowhere.yaml")
        self.assertEqual(broker.ended(), 2)
        self.assertIn("nowhere.yaml: there is no such file", broker.err.read_text())


class PortTests(SynchronousTestCase):
    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            broker = BrokerProcess(self, SERVER_PORT=port)
            self.assertEqual(broker.ended(), 1)
        said = broker.err.read_text()
        self.assertIn(f"server.port: cannot listen on 127.0.0.1:{port}", said)
        self.assertIn("choose another port", said)
        self.assertEqual(said.count("\n"), 1)
        start(self, broker.folder)  # the store is free again


class ForegroundTests(SynchronousTestCase):
    def test_sigterm_closes_with_1001_and_exits_with_0(self):
        place = folder(self)
        broker = start(self, place)
        producer, consumer = Producer(self, broker.port, "kept"), Consumer(self, broker.port, "other")
        producer.publish("one", "two", delay=0)
        producer.publish("later", delay=1000)
        stranger = Consumer(self, broker.port, "other", key=None)
        broker.process.send_signal(signal.SIGTERM)
        for client in (producer, consumer, stranger):
            self.assertEqual(client.closed(), (1001, "this node stops"))
            client.close()
        self.assertEqual(broker.ended(), 0)
        self.assertEqual(broker.err.read_text(), "")
        self.assertNotIn("Traceback", broker.said())
        again = start(self, place)
        self.assertEqual(Consumer(self, again.port, "kept").bodies(2), ["one", "two"])
        self.assertEqual([row["MessageData"] for row in again.api.messages(DELAYED)], ["later"])

    def test_sigterm_in_the_middle_of_a_load_loses_nothing_confirmed(self):
        place, sent = folder(self), 20_000
        broker = start(self, place)
        producer = Producer(self, broker.port, "kept")
        one = frame('{"MessageData":"x","DelayTime":0}')
        producer.send(one * sent)
        producer.oks(100)
        broker.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end_of(producer), 1001)
        producer.close()
        self.assertEqual(broker.ended(), 0)
        kept = start(self, place).api.counts()["all"]
        tell(f"SIGTERM under load: {producer.confirmed} confirmed, {kept} kept")
        self.assertEqual(kept, producer.confirmed)

    def end_of(self, producer):
        """Count `ok`s up to the close frame. Gives its code."""
        try:
            while True:
                producer.oks(1)
        except Closed as end:
            return end.code

    def test_recovery_strategy_0_keeps_the_old_store_under_a_dated_name(self):
        place = folder(self)
        broker = start(self, place)
        Producer(self, broker.port).publish("old")
        broker.kill()  # the latest commits are in the log beside the file
        fresh = start(self, place, MQ_RECOVERYSTRATEGY=0)
        self.assertEqual(fresh.api.messages(), [])
        dated = (place / "data").glob(f"kapokmq.db.{time.strftime('%Y%m%d')}-*")
        kept = [file for file in dated if not file.name.endswith(("-wal", "-shm"))]
        self.assertEqual(len(kept), 1, list((place / "data").iterdir()))
        self.assertIn(kept[0].name, fresh.said())
        self.assertEqual(fresh.stop(), 0)
        old = start(self, place, MQ_PERSISTENTFILE=kept[0])
        self.assertEqual([row["MessageData"] for row in old.api.messages()], ["old"])


class DaemonTests(SynchronousTestCase):
    def test_a_daemon_from_its_start_to_its_end(self):
        place = folder(self)
        (place / "config").mkdir()
        (place / "config" / "kapokmq.yaml").write_text("server: {port: 0}\nmq: {pushType: 1}\n")
        daemon = Daemon(self, place).started()
        self.assertEqual((daemon.parent.returncode, daemon.parent.stderr), (0, ""))
        self.assertTrue(daemon.runs)
        producer, consumer = Producer(self, daemon.port), Consumer(self, daemon.port, "other")
        producer.publish("kept")
        daily = place / "log" / f"kapokmq-{time.strftime('%Y-%m-%d')}.log"
        self.assertIn("serves http://127.0.0.1:", daily.read_text())
        daemon.signal()
        for client in (producer, consumer):
            self.assertEqual(client.closed(), (1001, "this node stops"))
            client.close()
        daemon.gone()
        self.assertFalse(daemon.pid_file.exists())
        self.assertIn("the node has stopped", daily.read_text())
        self.assertNotIn("Traceback", daily.read_text() + daemon.log.read_text())
        daemon.log.unlink()
        again = Daemon(self, place).started()
        self.assertEqual(Consumer(self, again.port).bodies(1), ["kept"])


class OriginalFilesTests(SynchronousTestCase):
    def starts(self, name, *, persistent):
        place = folder(self)
        (place / "config").mkdir()
        shutil.copy(VECTORS / "config" / name, place / "config" / "application.yaml")
        broker = start(self, place)  # without --config: it is found
        self.assertIn("config/application.yaml", broker.out.read_text())
        producer, consumer = Producer(self, broker.port), Consumer(self, broker.port)
        producer.publish("hello")
        self.assertEqual(consumer.bodies(1), ["hello"])
        producer.publish("waits", delay=1000)
        shown = broker.api.post("/Console/GetConfig").json["data"]
        self.assertEqual((shown["isPersistent"], shown["persistentFile"]), (persistent, "MQDATA"))
        self.assertNotIn("secretKey", shown)
        self.assertEqual((place / "MQDATA").exists(), bool(persistent))
        for client in (producer, consumer):
            client.close()
        until(lambda: broker.api.post("/Console/GetClients").json["producers"] == [], "departure")
        self.assertEqual(broker.stop(), 0)
        again = start(self, place)
        self.assertEqual([row["MessageData"] for row in again.api.messages(DELAYED)], ["waits"] * bool(persistent))
        self.assertEqual(again.api.messages(WAITING), [])

    def test_the_application_yaml_of_head(self):
        self.starts("original-head.yaml", persistent=0)

    def test_the_application_yaml_of_v001(self):
        self.starts("original-v001.yaml", persistent=1)
