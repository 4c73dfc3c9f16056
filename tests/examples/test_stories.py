"""Each example runs with one command, tells its story and ends; also over a broker of somebody else, and again."""

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.examples.program import EXAMPLES, Program
from tests.integration.broker import ROOT, start

LONGEST = 120  # lines
NAMES = sorted(file.stem for file in EXAMPLES.glob("*.py"))


def unnamed(lines):
    """Lines without the names that are drawn anew for each run, sorted: workers don't wait for each other."""
    return sorted(re.sub(r"\b[0-9a-f]{4}(?=[-@])", "RUN", line) for line in lines)


ORDERS = [
    "all 5 orders are billed: 40078 EUR",
    'dead letter: {"id":"RUN-3","total":20,"currency":"XAU"}: no rate for XAU, 4 attempts',
    "order RUN-3, attempt 1: billed",
    "order RUN-3, attempt 4: no rate for XAU",
    *(f"order RUN-{number}: published" for number in range(1, 6)),
    "sent again: 1",
]
MAILS = [
    "all mails are sent",
    "and again, which is too late: False",
    "scheduled in 0 s: Welcome",
    "scheduled in 1 s: Did you see that?",
    "scheduled in 2592000 s: Your trial ends",
    "scheduled in 3600 s: News of the week",
    "the news are sent at once: True",
    "the trial lasts longer: True",
    "they have paid, so the mail is cancelled: True",
]


class FileTests(SynchronousTestCase):
    def test_each_is_short_and_says_how_it_is_run(self):
        self.assertEqual(NAMES, ["dashboard", "delayed_email", "order_processing", "webhook_relay"])
        for file in EXAMPLES.iterdir():
            if file.is_file():
                self.assertLessEqual(len(file.read_text("utf-8").splitlines()), LONGEST, file.name)
        for name in NAMES:
            text = (EXAMPLES / f"{name}.py").read_text("utf-8")
            self.assertRegex(text, rf"(?m)^    python examples/{name}\.py +#? ?")
            self.assertRegex(
                text, rf"(?m)^    python examples/{name}\.py .*--server ws://127\.0\.0\.1:8011 --key test$"
            )

    def test_the_overview_names_each(self):
        text = (EXAMPLES / "README.md").read_text("utf-8")
        self.assertEqual(sorted(re.findall(r"^## \[(\w+)\.py\]\(\1\.py\)$", text, re.MULTILINE)), NAMES)
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            self.assertTrue((EXAMPLES / link).resolve().exists(), link)
        for command in re.findall(r"python (examples/\S+)", text):
            self.assertTrue((ROOT / command).exists(), command)


class OrderTests(SynchronousTestCase):
    def test_over_its_own_broker(self):
        lines = Program(self, "order_processing").ended()
        self.assertEqual(set(ORDERS) - set(unnamed(lines)), set())
        self.assertEqual(sum(line.endswith(": the bank is closed") for line in lines), 4)
        self.assertEqual(sum(line.endswith(": billed") for line in lines), 5)

    def test_over_another_broker_after_a_run_that_was_killed(self):
        broker = start(self)
        server = ("--server", f"ws://127.0.0.1:{broker.port}")
        killed = Program(self, "order_processing", *server)
        killed.says(re.compile(r"-4: published"))
        killed.process.kill()  # what it leaves is no harm to the next one
        lines = Program(self, "order_processing", *server).ended()
        self.assertEqual(set(ORDERS) - set(unnamed(lines)), set())
        self.assertGreaterEqual(broker.api.counts()["consumed"], 5)
        self.assertNotIn("Traceback", broker.said())

    def test_a_wrong_key_is_told(self):
        broker = start(self)
        lost = Program(self, "order_processing", "--server", f"ws://127.0.0.1:{broker.port}", "--key", "wrong")
        self.assertIn("WrongKey", lost.complains())


class MailTests(SynchronousTestCase):
    def check(self, lines):
        self.assertEqual(set(MAILS) - set(unnamed(lines)), set())
        sent = [re.fullmatch(r"to (\w{4})@example\.com: (.*), ([0-9.]+) s after the start", line) for line in lines]
        sent = [(found[2], float(found[3])) for found in sent if found]
        self.assertEqual([subject for subject, _ in sent], ["Welcome", "Did you see that?", "News of the week"])
        self.assertGreaterEqual(sent[1][1], 0.9)

    def test_over_its_own_broker(self):
        self.check(Program(self, "delayed_email").ended())

    def test_over_another_broker(self):
        broker = start(self)
        broker.api.send("example.mails", '{"to":"somebody else","subject":"left by another run"}')
        self.check(Program(self, "delayed_email", "--server", f"ws://127.0.0.1:{broker.port}").ended())
        self.assertEqual(broker.api.counts()["consumed"], 4)
