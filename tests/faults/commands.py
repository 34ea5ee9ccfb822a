"""The commands whose system calls are counted, each on a workspace worth it."""

import re
from dataclasses import dataclass, field

from scenes import (
    DELETING,
    REPLACING,
    RUN,
    TWO_DATASETS,
    another_contract,
    both,
    copy,
    deletes,
    duplicates,
    first,
    large_view,
    long_log,
    many_parts,
    replaced,
    requeued,
    revisions,
    second,
    withdrawn,
    without_view,
)


@dataclass(frozen=True)
class Scenario:
    """A command on a workspace.

    Args:
        name: for the report.
        prepare: makes the workspace what it is before the command.
        command: method of Workspace, arguments, options.
        config: of the workspace.
        killed_at: the place at which the same command was killed once already, as a pattern.
        forgets: whether it takes away what others must keep; done twice, it is done.
        tidies: whether it ends with upkeep, which may as well be done behind a later run.
    """

    name: str
    prepare: object
    command: tuple = RUN
    config: str = ""
    killed_at: str = ""
    forgets: bool = False
    tidies: bool = False

    @property
    def line(self) -> list[str]:
        """The command line."""
        method, arguments, options = self.command
        named = [(f"--{name.replace('_', '-')}", value) for name, value in options.items() if value]
        flags = [part for name, value in named for part in ([name] if value is True else [name, str(value)])]
        return [method, *map(str, arguments), *flags, *(["--yes"] if method != "run" else [])]


BEFORE_THE_VIEW = r"publish: rename output/latest\.csv"
AMID_THE_MOVES = r"archive: unlink input/processing/\.snapshotter-aside"
SCENARIOS = [
    Scenario("first run", first),
    Scenario("second run", second),
    Scenario("run with deletes", deletes, config=DELETING),
    Scenario("run that splices", large_view, config=DELETING),
    Scenario("two datasets", first, config=TWO_DATASETS),
    Scenario("nothing but duplicates", duplicates),
    Scenario("run of requeued files", requeued),
    Scenario("several revisions at once", revisions, config=REPLACING),
    Scenario("view is gone", without_view),
    Scenario("recovery before the view", second, killed_at=BEFORE_THE_VIEW),
    Scenario("recovery amid the moves", second, killed_at=AMID_THE_MOVES),
    Scenario("run that makes many files one", many_parts, tidies=True),
    Scenario("run that shortens the log", long_log, tidies=True),
    Scenario("reset", withdrawn, ("reset", (2,), {})),
    Scenario("reset --requeue", both, ("reset", (1,), {"requeue": True})),
    Scenario("withdraw", both, ("withdraw", ("late.csv",), {})),
    Scenario("withdraw a revision", replaced, ("withdraw", ("good.csv",), {}), REPLACING),
    Scenario("rebuild", another_contract, ("rebuild", (), {})),
    Scenario("prune", both, ("prune", (), {"keep_last": 1}), forgets=True),
    Scenario("clean --requeue", both, ("clean", (), {"requeue": True}), forgets=True),
]


@dataclass
class Prepared:
    """A scenario on the disk.

    Args:
        scenario: which.
        before: the workspace's folder.
        points: the calls of the command.
    """

    scenario: Scenario
    before: object
    points: list = field(default_factory=list)


def prepare(scenario, workspace, commander, tmp_path):
    """Make a scenario's workspace, and trace its command on a copy."""
    ws = workspace(scenario.config)
    scenario.prepare(ws)
    prepared = Prepared(scenario, ws.layout.root)
    if scenario.killed_at:
        points = commander.points(copy(prepared.before, tmp_path / "killed"), *scenario.line)
        point = next(point for point in points if re.search(scenario.killed_at, point.place))
        assert commander.run(prepared.before, *scenario.line, inject=point.kill(prepared.before)).was_killed
    prepared.points = commander.points(copy(prepared.before, tmp_path / "traced"), *scenario.line)
    return prepared
