"""Times and durations as they are typed and shown."""

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.cli.times import parse_duration, parse_moment, shown_bytes, shown_duration, shown_moment


class TimesTests(SynchronousTestCase):
    def test_durations(self):
        for text, seconds in (
            ("90", 90),
            ("1.5", 1.5),
            ("500ms", 0.5),
            ("10m", 600),
            ("1h30m", 5400),
            ("7d", 604_800),
            ("1w", 604_800),
            (" 2s ", 2),
        ):
            self.assertEqual(parse_duration(text), seconds, text)
        for text in ("", "x", "-1", "1y", "1 h", "10 20", "1020ms3", "1h30", "٣s"):
            self.assertIsNone(parse_duration(text), text)

    def test_moments(self):
        for text, seconds in (
            ("now", 1000.0),
            ("-1h", -2600.0),
            ("+10m", 1600.0),
            ("1795223090.5", 1795223090.5),
            ("2026-11-21T08:00Z", 1795248000.0),
            ("2026-11-21T09:00:00+01:00", 1795248000.0),
        ):
            self.assertEqual(parse_moment(text, 1000.0), seconds, text)
        for text in ("", "yesterday", "-", "+x", "2026-13-01", "9" * 20):
            self.assertIsNone(parse_moment(text, 1000.0), text)

    def test_a_moment_without_a_zone_is_local_and_shown_so(self):
        self.assertEqual(shown_moment(parse_moment("2026-11-21T08:00:05", 0.0)), "2026-11-21 08:00:05")
        self.assertEqual(shown_moment(None), "-")

    def test_shown_durations(self):
        for seconds, text in (
            (None, "-"),
            (0.85, "850ms"),
            (12.3, "12s"),
            (60, "1m00s"),
            (184, "3m04s"),
            (3600, "1h00m"),
            (7500, "2h05m"),
            (86_400, "1d00h"),
            (4 * 86_400 + 3 * 3600, "4d03h"),
        ):
            self.assertEqual(shown_duration(seconds), text)

    def test_shown_sizes(self):
        for size, text in (
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (3 << 20, "3.0 MiB"),
            (5 << 50, "5120.0 TiB"),
        ):
            self.assertEqual(shown_bytes(size), text)
