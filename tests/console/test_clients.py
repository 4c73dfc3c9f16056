"""Who is connected, and how a connection is ended."""

import re

from tests.console.rig import SharedCase, client, expect, t
from tests.console.sights import button, confirm, table
from tests.integration.broker import until

NAME = "a-consumer"


class ClientTests(SharedCase):
    def test_a_consumer_is_shown_with_what_it_holds_and_is_disconnected(self):
        ended = []
        with client(self.broker, name=NAME, on_state=lambda state: ended.append(state.kind)) as mq:
            mq.publish_many("held", ["x"] * 5)
            subscription = mq.subscribe("held", group="holders", credit=3, start="all")
            held = [subscription.get(10) for _ in range(3)]
            page = self.page("/clients")
            consumers = table(page, t("clients.consumers")).locator("tbody tr.line").filter(has_text="holders")
            expect(consumers).to_contain_text("held")
            expect(consumers.locator("td").filter(has_text=re.compile(r"^3\b"))).to_be_visible()
            table(page, t("clients.connections")).get_by_text(NAME, exact=True).click()
            shown = page.get_by_role("dialog")
            expect(shown).to_contain_text("holders")
            expect(shown).to_contain_text("127.0.0.1")
            button(shown, t("clients.disconnect")).click()
            confirm(page, t("clients.disconnectTitle", id=NAME), t("clients.disconnect"))
            expect(page.get_by_text(t("clients.disconnected", id=NAME), exact=True)).to_be_visible()
            until(lambda: "lost" in ended, "end of the connection")
            self.assertEqual(len(held), 3)

    def test_nobody_is_there_until_somebody_comes(self):
        page = self.page("/clients")
        expect(page.get_by_text(t("clients.empty"), exact=True).first).to_be_visible()
        with client(self.broker, name=NAME):
            expect(table(page, t("clients.connections"))).to_contain_text(NAME)
