"""What many tests do with a rig, in short."""

from kapokmq.core.message import OVERHEAD, Draft
from tests.core.scripted import Producer

SIZE = 1 + OVERHEAD  # of a message with a text of one character


def published(rig, topic, *bodies):
    rig.publish(topic, list(bodies))
    rig.commit()
    rig.settle()


def acked(rig, *consumers):
    for consumer in consumers:
        rig.ack(consumer, list(consumer.held))
    rig.commit()
    rig.settle()


def keyed(*pairs):
    """Drafts with keys: ("k", "body")."""
    return [Draft(body, key=key) for key, body in pairs]


def bodies(rig):
    return [message.data for _, message in sorted(rig.store.messages.items())]


def other():
    return Producer(positional=False)
