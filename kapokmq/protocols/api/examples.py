"""One example of everything that the API takes and gives, for the OpenAPI document. A test reads each as its shape."""

from typing import Any

import msgspec

from kapokmq.core.policy import GroupConfig, TopicPolicy
from kapokmq.protocols.api import (
    clients,
    counts,
    dead,
    groups,
    key,
    leases,
    lives,
    node,
    publishing,
    schedule,
    searching,
    topics,
    views,
)
from kapokmq.protocols.api.answers import Result
from serena.web.members import Listed
from serena.web.membership import PoolMember
from serena.web.refusals import Fault, Refusal

_CODE = "3d2176ecb2e509da0000000300000100000002a1"
_AT = 1_795_222_201.5

_message = views.MessageView(
    _CODE,
    "orders.eu",
    '{"total":12}',
    "delayed",
    _AT,
    due_time=_AT + 60,
    key="o-17",
    headers={"traceparent": "00-4bf9"},
)
_counts = views.CountsView(6, 1, 2, 3, 1, 0, 1_440)
_policy = TopicPolicy(max_age=86_400.0, max_attempts=5)
_config = GroupConfig(ack_wait=30.0, max_attempts=5)
_goes_by = GroupConfig(30.0, 5, 0.0, 600.0, "random")
_effective = TopicPolicy(
    retention="queue",
    max_age=86_400.0,
    dedup_window=120.0,
    durability="fsync",
    overflow="reject",
    ack_wait=60.0,
    max_attempts=5,
    backoff=0.0,
    backoff_max=600.0,
    choice="random",
)
_topic = views.TopicView("orders.eu", _counts, _policy, _effective, ["default", "billing"])
_group = views.GroupView("orders.eu", "billing", "queue", _config, _goes_by, 2, 6, 3, 1, 0, 1, _AT)
_pattern = views.PatternView("orders.>", "billing", _config)
_figures = counts.FiguresView(60, 55, 54, 1, 2, 0, 0, 1, 1, 4_096, 0.25)
_hour = views.HourView(1_795_219_200.0, 60, 55, 54, 1, 0, 0, 3)
_event = lives.EventView(_AT, "nacked", 1, "worker-1", "the bank is closed")
_life = lives.GroupLifeView("billing", "leased", 1, None, None, [lives.HolderView("worker-1", _AT, _AT + 30)], [_event])
_member = views.MemberView("worker-1", "orders.eu", "billing", 99, 1, 7, "192.0.2.7", _AT, 12, 11)
_interest = clients.InterestView(1, "orders.>", "billing")
_client = clients.ClientView(7, "v2", "worker-1", "", "192.0.2.7", 1_795_222_201, "8c1f", 12, [_interest])
_broker = PoolMember(
    name="mq:192.0.2.1:8011",
    kind="mq",
    address="192.0.2.1",
    port=8021,
    state="alive",
    incarnation=1,
    meta={"v": "0.1.0", "p": ["classic", "v2"], "l": 5},
    rtt=0.001,
    since=_AT,
)

_GIVEN: tuple[msgspec.Struct, ...] = (
    Result("done"),
    Refusal(Fault("notFound", "topic: there is none of that name")),
    views.MessagesPage([_message], f"{1_795_222_261_500}-{3_298_534_884_001}"),
    _message,
    _topic,
    views.TopicsView([_topic], "orders.eu"),
    _group,
    views.GroupsView([_group], "9-orders.eubilling"),
    _pattern,
    views.PatternsView([_pattern], None),
    lives.LifeView(_message, [_life]),
    views.DeadPage([views.DeadView(_message, "billing", _AT, 5, "the bank is closed")], None),
    views.CountView(3),
    views.DoneView(1_000, "1044"),
    views.HoursView([_hour]),
    schedule.CalendarView([schedule.StepView(1_795_219_200.0, 12)]),
    publishing.Published([_CODE], [], "fsync"),
    leases.LeasedPage(
        [leases.LeasedView(_CODE, "orders.eu", '{"total":12}', _AT, key="o-17", attempt=1, leased_until=_AT + 30)]
    ),
    leases.Unknown([1]),
    node.NodeView("mq:192.0.2.1:8011", "0.1.0", ready=True, reason=""),
    clients.ClientsView([_client], [_member], "7-1"),
    node.ConfigView([node.SettingView("mq.maxAttempts", 16, 16, "default")]),
    counts.NowView(
        all=6,
        consumed=1,
        delayed=2,
        waiting=3,
        dead=0,
        bytes=1_440,
        oldest=_AT,
        oldest_of=counts.OldestView("orders.eu", "billing"),
        deserted=0,
        connections=counts.ConnectionsView(2, 0, 1),
        commit=counts.CommitView(0.0021, 0.0134, 412),
        disk=counts.DiskView(61_203_283_968, 105_089_261_568),
        figures=_figures,
        topics=[counts.TopicCountsView(6, 1, 2, 3, 1, 0, 1_440, "orders.eu")],
    ),
    counts.MinutesView([counts.MinuteView(1_795_222_200.0, 60, 55, 54, 1, 2, 0)]),
    key.KeyView([*key.ALL]),
    Listed("mq:192.0.2.1:8011", [_broker]),
)

EXAMPLES: dict[type, Any] = {type(one): msgspec.to_builtins(one) for one in _GIVEN} | {
    topics.NewTopic: {"name": "orders.eu", "policy": {"maxAge": 86_400}},
    TopicPolicy: {"maxAge": 86_400, "overflow": "dropOldest", "maxMessages": 1_000_000},
    groups.NewGroup: {"name": "billing", "start": "all", "config": {"ackWait": 30}},
    GroupConfig: {"ackWait": 30, "maxAttempts": 5},
    publishing.One: {"data": {"total": 12}, "delay": 60, "key": "o-17", "headers": {"traceparent": "00-4bf9"}},
    publishing.Many: {"messages": [{"data": "one"}, {"data": "two", "expire": 3600}], "durable": True},
    searching.CodesBody: {"codes": [_CODE]},
    schedule.Due: {"delay": 60},
    dead.Bulk: {"filter": {"reason": "bank"}, "limit": 1_000},
    leases.Lease: {"max": 10, "wait": 20},
    leases.AckBody: {"codes": [_CODE]},
    leases.TouchBody: {"codes": [_CODE]},
    leases.NackBody: {"codes": [_CODE], "delay": 5, "reason": "the bank is closed"},
    node.Drain: {"seconds": 30},
}
