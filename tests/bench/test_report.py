"""Tables, pictures, the catalog, and what bench-smoke makes of its turns."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bench import pictures, report, smoke, table
from bench.catalog import SCENARIOS, chosen
from bench.node import ROOT
from bench.rows import Row

EXTRA = {"backlog": 10, "longest ping ms": 3.5}


def a_row(**fields):
    given = {"name": "v2-publish", "what": "publish", "rate": 1234.5, "p50": 1.0, "p99": 22.0, "p999": 333.0}
    return Row(**given | {"rss": 3 << 20, "extra": dict(EXTRA)} | fields)


def texts(svg):
    """What a picture says. Raises where it is not XML."""
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 -- our own


class TableTests(SynchronousTestCase):
    def test_a_line_stands_under_its_heads(self):
        head, line = table.head(), table.line(a_row(cpu=0.5, syncs=77.0, extra={}))
        self.assertEqual(len(line), len(head))
        for name, value in (("rate/s", "1,234"), ("p99.9 ms", "333"), ("CPU", "50%"), ("syncs/s", "77")):
            end = head.index(name) + len(name)
            self.assertTrue(line[:end].endswith(" " + value), (name, line))

    def test_what_was_not_measured_is_a_dash(self):
        line = table.line(Row("idle", "idle"))
        self.assertEqual(line.split()[-10:], ["-", "0.00"] + ["-"] * 8)

    def test_nothing_is_cut(self):
        what = "a" * 60
        self.assertIn(what + " ", table.line(a_row(what=what)))

    def test_extras_are_named(self):
        self.assertTrue(table.line(a_row()).endswith("backlog 10; longest ping ms 3.5"))

    def test_ratios_compare_like_with_like(self):
        ours = [a_row(wire="v2", rate=300.0), a_row(wire="v2", level="memory", rate=900.0), a_row(name="idle")]
        theirs = [a_row(name="redis publish", server="redis 7", rate=100.0, extra={"scenario": "publish"})]
        self.assertEqual(table.ratios(ours, theirs), ["v2-publish (fsync) is 3.00 times redis publish (redis 7)"])


class PictureTests(SynchronousTestCase):
    @given(st.floats(0, 1e12))
    def test_ticks_reach_what_is_drawn_in_few_steps(self, most):
        ticks = pictures.ticks(most)
        self.assertEqual(ticks[0], 0)
        self.assertGreaterEqual(ticks[-1], most * (1 - 1e-9))
        self.assertLessEqual(len(ticks), 9)

    def test_lines_have_title_axes_units_and_names(self):
        for series in ({"a <b>": [(0, 1), (10, 2)], "c": [(1, 5), (2_000, 0)]}, {}, {"one": [(0, 0)]}):
            said = texts(pictures.lines("T & t", "caption", ("across", "up"), series))
            for wanted in ("T & t", "caption", "across", "up", *series):
                self.assertIn(wanted, said)

    def test_bars_have_labels_and_figures(self):
        said = texts(pictures.bars("T", "caption", "messages a second", [("x <y>", 123_456.0), ("none", 0.0)]))
        for wanted in ("T", "caption", "messages a second", "x <y>", "123,456", "none"):
            self.assertIn(wanted, said)

    def test_short_figures(self):
        self.assertEqual(
            [pictures.short(value) for value in (0, 0.25, 2.5, 999, 1_500, 4_994, 1e7)],
            ["0", "0.25", "2.5", "999", "1.5k", "5k", "10M"],
        )

    def test_every_chart_can_be_drawn(self):
        for scenario in SCENARIOS.values():
            self.assertIn(scenario.chart, report.CHARTS)
            rows = [
                a_row(name=scenario.name, batch=batch, wire=wire) for batch in (1, 500) for wire in ("v2", "classic")
            ]
            self.assertIn("caption", texts(report.draw(scenario, rows, "caption")))


class CatalogTests(SynchronousTestCase):
    def test_names_and_patterns(self):
        self.assertEqual([scenario.name for scenario in chosen(["idle", "v2-p*", "idle"])], ["idle", "v2-publish"])
        self.assertEqual(len(chosen([])), len(SCENARIOS))
        self.assertRaises(LookupError, chosen, ["v3-*"])

    def test_everything_promised_is_there(self):
        wanted = {f"{wire}-{kind}" for wire in ("classic", "v2") for kind in ("publish", "through", "sizes", "latency")}
        wanted |= {f"{wire}-fanout{more}" for wire in ("classic", "v2") for more in ("", "-acks")}
        wanted |= {"v2-batches", "delayed", "expiry", "idle", "backlog", "drain", "restart"}
        wanted |= {"clients", "clients-stalled"}
        self.assertEqual(set(SCENARIOS), wanted)

    def test_the_page_on_performance_names_them_all(self):
        said = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
        self.assertEqual([name for name in SCENARIOS if f"`{name}`" not in said], [])
        for picture in ("v2-batches", "latency", "backlog"):
            self.assertIn(f"(images/bench-{picture}.svg)", said)


class SmokeTests(SynchronousTestCase):
    def test_the_median_counts(self):
        turns = [{"classic": ratio, "v2": 5.0} for ratio in (1.0, 1.6, 9.0)]
        self.assertEqual(smoke.verdict(turns), [])

    def test_what_is_too_slow_is_named(self):
        turns = [{"classic": 2.0, "v2": ratio} for ratio in (3.9, 1.0, 9.0)]
        self.assertEqual(smoke.verdict(turns), [("v2", 3.9, 4.0)])
