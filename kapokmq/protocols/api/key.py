"""What a key may do. Today there is one, which may do everything; a console asks, and shows no more than that."""

from typing import Literal

from kapokmq.protocols.api.routes import Ask, Routes
from kapokmq.protocols.api.views import View
from serena.web.answers import Answer
from serena.web.guard import Guard
from serena.web.refusals import answered

Right = Literal["read", "publish", "consume", "steer"]

ALL: tuple[Right, ...] = ("read", "publish", "consume", "steer")


class KeyView(View):
    """What the key may do: look at everything, publish, consume, change what there is."""

    rights: list[Right]


class Keys:
    """Tells of keys."""

    routes = Routes()
    app = routes.app

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    @routes.on("GET", "/key", gives=KeyView)
    async def get_key(self, ask: Ask) -> Answer:
        """Tell what the key may do that the request shows."""
        return answered(KeyView([*ALL]))
