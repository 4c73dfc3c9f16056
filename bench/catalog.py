"""All scenarios, by name."""

from fnmatch import fnmatchcase

from bench import (
    scenarios_backlog,
    scenarios_clients,
    scenarios_fanout,
    scenarios_latency,
    scenarios_rates,
    scenarios_time,
)

SCENARIOS = {
    scenario.name: scenario
    for subject in (
        scenarios_rates,
        scenarios_latency,
        scenarios_fanout,
        scenarios_time,
        scenarios_backlog,
        scenarios_clients,
    )
    for scenario in subject.SCENARIOS
}


def chosen(names):
    """The scenarios that these names or patterns (`v2-*`) mean, each once; all of none. Raises LookupError."""
    found = {}
    for name in names or ["*"]:
        some = {known: scenario for known, scenario in SCENARIOS.items() if fnmatchcase(known, name)}
        if not some:
            raise LookupError(f"{name}: no such scenario; there are {', '.join(SCENARIOS)}")
        found |= some
    return list(found.values())
