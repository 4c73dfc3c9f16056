"""Which broker is meant: options, variables, profiles, and in which order they count."""

from pathlib import Path

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.profiles import Profile, place
from kapokmq.cli.target import VARIABLES, connected, make_target, parse_server
from kapokmq.services.config import load

SECRET = "hunter2-never-shown"
PROFILES = f"""\
default: {{server: "http://a.example:1", key: 0123}}
live: {{server: "wss://b.example", key: {SECRET}, timeout: 5}}
"""


@click.command()
@connected
def told(target):
    """Print what a command is given."""
    click.echo(f"{target.url} {target.socket_url} {target.key} {target.timeout:g}")


class TargetTests(SynchronousTestCase):
    def run_it(self, *arguments, profiles=None, **environ):
        path = Path(self.mktemp())
        if profiles is not None:
            path.write_text(profiles)
        return CliRunner().invoke(told, arguments, env={"KAPOK_PROFILES": str(path)} | environ)

    def said(self, *arguments, **environ):
        result = self.run_it(*arguments, **environ)
        self.assertEqual(result.exit_code, 0, result.output)
        return result.stdout.split()

    def test_the_defaults_are_those_of_a_node(self):
        self.assertEqual(self.said(), ["http://127.0.0.1:8011", "ws://127.0.0.1:8011/v2", "test", "30"])

    def test_options_count_before_variables_and_those_before_profiles(self):
        self.assertEqual(self.said(profiles=PROFILES)[::2], ["http://a.example:1", "0123"])
        self.assertEqual(self.said("-p", "live", profiles=PROFILES)[1:], ["wss://b.example:443/v2", SECRET, "5"])
        self.assertEqual(self.said(profiles=PROFILES, KAPOK_PROFILE="live")[2], SECRET)
        more = {"KAPOK_SERVER": "http://c.example", "KAPOK_KEY": "k", "KAPOK_TIMEOUT": "2"}
        self.assertEqual(self.said(profiles=PROFILES, **more)[::2], ["http://c.example:80", "k"])
        self.assertEqual(self.said("-s", "d.example:9", "-k", "o", profiles=PROFILES, **more)[0], "http://d.example:9")

    def test_addresses(self):
        for text, found in (
            ("localhost:8011", ("localhost", 8011, False, "")),
            ("https://mq.example/kapok/", ("mq.example", 443, True, "/kapok")),
            ("ws://[::1]:9", ("::1", 9, False, "")),
            ("wss://mq.example", ("mq.example", 443, True, "")),
        ):
            self.assertEqual(parse_server(text), found)
        self.assertEqual(make_target("ws://[::1]:9", "k", None, None, Profile()).url, "http://[::1]:9")

    def test_wrong_addresses_are_refused_without_a_secret(self):
        for text in ("ftp://a", "http://", "http://a:x", "http://a:99999", f"http://user:{SECRET}@a", "http://a?key=1"):
            result = self.run_it("-s", text)
            self.assertEqual(result.exit_code, 2, text)
            self.assertIn("--server", result.stderr)
            self.assertNotIn(SECRET, result.output)

    def test_wrong_profiles_are_refused_without_a_secret(self):
        for text, says in (
            ("- a", "must have names"),
            (f"live: {{key: {SECRET}, colour: red}}", "colour"),
            (f"live: {SECRET}", "live: "),
            ("live: {timeout: -1}", "timeout"),
            ("live: {key: a}\nlive: {key: b}", "twice"),
            ("live: {key: !!x a}", "tags"),
        ):
            result = self.run_it("-p", "live", profiles=text)
            self.assertEqual(result.exit_code, 2, text)
            self.assertIn(says, result.stderr)
            self.assertNotIn(SECRET, result.output)
        self.assertIn("has no profile 'x' (there are: default, live)", self.run_it("-p", "x", profiles=PROFILES).stderr)

    def test_a_key_that_no_header_can_carry(self):
        for key in ("a\nb", "schlüssel"):
            self.assertEqual(self.run_it("-k", key).exit_code, 2)

    def test_a_ca_that_can_not_be_read(self):
        with self.assertRaises(click.UsageError):
            _ = make_target("https://a", None, "no/such.pem", None, Profile()).context
        self.assertIsNone(make_target("http://a", None, "no/such.pem", None, Profile()).context)

    def test_where_the_profiles_are(self):
        self.assertEqual(place({"HOME": "/home/u"}), Path("/home/u/.config/kapokmq/profiles.yaml"))
        self.assertEqual(place({"HOME": "/home/u", "XDG_CONFIG_HOME": "/x"}), Path("/x/kapokmq/profiles.yaml"))
        self.assertEqual(place({"KAPOK_PROFILES": "/p"}), Path("/p"))

    def test_no_variable_of_the_command_is_a_setting_of_a_node(self):
        load(None, dict.fromkeys([*VARIABLES, "KAPOK_PROFILES", "_KAPOKMQ_COMPLETE"], "x"), read=_nothing)

    def test_the_key_is_not_in_a_repr(self):
        self.assertNotIn(SECRET, repr(make_target("http://a", SECRET, None, None, Profile())))


def _nothing(path):
    raise FileNotFoundError(path)
