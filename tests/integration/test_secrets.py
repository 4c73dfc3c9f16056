"""Neither the key nor what was tried in its place is ever written down."""

import http.client

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.broker import BrokerProcess, folder
from tests.integration.wire import PROMPT, Client, Producer, frame

KEY = "s3cr3t-0f-th1s-n0d3"
GUESS = "n0t-qu1te-th1s-n0d3"


class SecretTests(SynchronousTestCase):
    def test_the_key_appears_nowhere(self):
        place = folder(self)
        (place / "kapokmq.yaml").write_text(f"server: {{port: 0}}\nmq: {{secretKey: {KEY}}}\n")
        broker = BrokerProcess(self, place, config="kapokmq.yaml").started(KEY)
        for path in ("/Producers/Conn/t/p", "/Consumers/Conn/t/c"):
            client = Client(self, broker.port, path, key=None)
            for turn in range(5):
                self.assertEqual(client.text(), PROMPT)
                client.send(frame(f"{GUESS}-{turn}"))
                self.assertEqual(client.text(), "Secret key matching error")
            self.assertEqual(client.closed()[0], 1008)
            client.close()
        broker.api.key = GUESS
        self.assertEqual(broker.api.post("/Console/Ping").json, {"code": -1, "msg": "Secret key matching error"})
        broker.api.key = KEY
        self.assertEqual(broker.api.post("/Console/Ping").json, {"code": 0})
        self.assertNotIn(KEY, str(broker.api.post("/Console/GetConfig").json))
        self.assertNotIn(KEY, broker.api.get("/metrics").body.decode())
        producer = Producer(self, broker.port, key=KEY)
        producer.publish("a body that is nobody's business")
        producer.send(frame('{"MessageData": 5, "secretKey": "' + KEY + '"}'))
        code, reason = producer.closed()
        self.assertEqual(code, 1007)
        self.assertNotIn(KEY, reason)
        producer.close()
        self.oddities(broker)
        self.assertEqual(broker.stop(), 0)
        said = broker.said()
        self.assertIn("1008", said)  # the refusals are logged
        for secret in (KEY, GUESS, "nobody's business"):
            self.assertNotIn(secret, said)

    def oddities(self, broker):
        """Requests that are broken where the key is."""
        for value in (KEY + "\x01", KEY * 2000):
            connection = http.client.HTTPConnection("127.0.0.1", broker.port, timeout=10)
            try:
                connection.request("POST", "/Console/Ping", headers={"secretKey": value})
                connection.getresponse().read()
            except (OSError, http.client.HTTPException, ValueError):
                pass  # refused, and that is all right
            finally:
                connection.close()
