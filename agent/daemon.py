"""A tap, a pipeline and a listener on one event loop: the long-running program, its signals and its end."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from agent.allowance.allowances import SALT_BYTES, Allowances, DaySoFar
from agent.allowance.small_cells import MIN_DEVICES
from agent.allowance.state_file import StateError, read_state, write_state
from agent.authority.recorder import LIMITS as RECORD_LIMITS
from agent.authority.recorder import Recorder
from agent.capture.tap import WAITING_SLICES, Tap
from agent.history import LIMITS as HISTORY_LIMITS
from agent.history import History
from agent.in_force import in_force
from agent.log import EventLog
from agent.metrics import ReloadState
from agent.notice.files import check_told, read_standing
from agent.pipeline import LIMITS, FlowRecord, Pipeline
from agent.policy.policy import Policy, load
from agent.policy.problems import RulesError
from agent.pulse import Counts, Pulse
from agent.sketches.exchange import Exchange
from agent.snapshot import Snapshot
from agent.status_line import status_line
from agent.systemd import ServiceManager
from agent.web.listener import serve
from agent.web.papers import Papers
from agent.web.site import ReloadRefusedError

POLL_S: Final = 0.02
"""How often slices are fetched: an introduction waits at most this long for its name."""
BUSY_POLL_S: Final = 0.001
"""The same when the last fetch left something behind; the loop serves scrapes and signals in between."""
TICK_S: Final = 1.0
"""How often counts are judged and a snapshot is made: a bell or a reload takes effect within this time."""

STATE_S: Final = 60.0
"""How often what has been told of today is written down: a crash forgets at most so much."""
STATE_FILE: Final = "incidental-use.json"
MAX_DEFECTS_TOLD: Final = 10
"""Tracebacks of introductions that could not be read, in one run of the daemon; hallwatch_defects_total counts them all."""


class Daemon:
    """What runs between start and stop. Everything happens on the loop's one thread.

    Args:
        tap: where the packets come from; closed by the owner.
        rules: directory of the rules, read again at each reload.
        district: a pack of that directory in place of its rules.yaml.
        log: is told what happens.
        state: directory for what outlives a restart; nothing does without it.
        min_devices: smaller numbers of devices are not told.
        recorder: keeps records of flows that an authorisation covers; without it there are none.
        manager: of this service, is told how it goes; without it nobody is.
        watching: what stands before the gate, for the manager's status line.
        devices: counts distinct devices with the district's other agents; without it nobody does.
        changed_settings: names the settings that were changed since the start and wait for a restart; raises RulesError
            when the settings can no longer be used.
        web_config: protects the listener, in the exporter-toolkit's format; it is open without.

    Raises:
        RulesError: the rules cannot be used.
    """

    def __init__(
        self,
        tap: Tap,
        rules: Path,
        log: EventLog,
        *,
        district: str | None = None,
        state: Path | None = None,
        min_devices: int = MIN_DEVICES,
        recorder: Recorder | None = None,
        manager: ServiceManager | None = None,
        watching: str = "the tap",
        devices: Exchange | None = None,
        changed_settings: Callable[[], Sequence[str]] = tuple,
        web_config: Path | None = None,
    ) -> None:
        self._web_config = web_config
        self._tap = tap
        self._manager = manager or ServiceManager(log, {})
        self._watching = watching
        self._told: Snapshot | None = None
        self._pulse = Pulse()
        self._changed_settings = changed_settings
        self._rules = rules
        self._district = district
        self._log = log
        self._state = None if state is None else state / STATE_FILE
        self._state_problem: str | None = None
        self._defects_told = 0
        self._next_state_s = time.monotonic() + STATE_S
        self._allowances = Allowances(
            lambda: os.urandom(SALT_BYTES), min_devices=min_devices, before=self._read_state()
        )
        self._recorder = recorder
        self._devices = devices
        self._history = History()
        policy = self._load()
        self._reloaded, self._papers = self._taken(policy)
        self._pipeline = Pipeline(
            *(tap.gate, policy),
            allowances=self._allowances,
            census=None if devices is None else devices.census,
            on_flow=None if recorder is None else self._record,
            keeps_names=lambda: recorder is not None and recorder.wants_names,
            on_defect=self._tell_defect,
        )
        self._snapshot: Snapshot | None = None
        self._problem: str | None = None
        self._stopping = asyncio.Event()
        self._wanted = asyncio.Event()
        """A reload, by signal."""

    async def run(self, host: str, port: int) -> None:
        """Counts and serves until SIGTERM or SIGINT.

        Raises:
            OSError: the address cannot be listened on.
            WebConfigError: the web configuration cannot be used, or not be read any more without privileges.
        """
        loop = asyncio.get_running_loop()
        listener = await serve(
            latest=lambda: self._snapshot,
            ready=self._why_not_ready,
            reload=self.reload,
            reload_state=lambda: self._reloaded,
            history=self._history,
            papers=lambda: self._papers,
            host=host,
            port=port,
            known_limits=(*LIMITS, *HISTORY_LIMITS, WAITING_SLICES, *(RECORD_LIMITS if self._recorder else ())),
            web_config=self._web_config,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._wanted.set)
        self._log.info("ready", url=listener.url, gate=self._tap.gate.kind, rules=str(self._rules))
        poller = loop.create_task(self._every(POLL_S, self._poll))
        ticker = loop.create_task(self._every(TICK_S, self._tick))
        self._manager.ready()
        stopped = loop.create_task(self._stopping.wait())
        tasks = {poller, ticker, stopped, loop.create_task(self._reload_when_wanted())}
        if self._devices:
            tasks.add(loop.create_task(self._devices.run()))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self._log.info("stopping")
        self._manager.stopping()
        await listener.close()
        for task in tasks:
            task.cancel()
        self._poll()
        self._pipeline.finish(time.time_ns())
        self._write_state()
        if self._recorder:
            self._recorder.close()
        if self._devices:
            await asyncio.wait(tasks)  # an exchange under way ends first
            await self._devices.close()
        self._manager.close()
        for ended in done:
            ended.result()  # a defect in the poller or the ticker ends the daemon, so that systemd starts it anew

    def reload(self) -> str:
        """Loads the rules again; bad ones are refused and the old ones stay, as they do when the settings are bad.

        Settings themselves are for the next start: opening a tap takes privileges that are gone. Which of them wait
        is logged, so that nobody believes in a change that is not in force.

        Raises:
            ReloadRefusedError: the rules or the settings cannot be used; the text says why.
        """
        with self._manager.reloading():
            return self._load_again()

    def _load_again(self) -> str:
        try:
            policy, waiting = self._load(), self._changed_settings()
            if self._devices:
                check_told(self._rules)
        except RulesError as error:
            self._reloaded = replace(self._reloaded, successful=False)
            self._log.error(
                "reload_refused", rules=str(self._rules), problems=len(error.problems), first=str(error.problems[0])
            )
            raise ReloadRefusedError(str(error)) from error
        self._pipeline.reload(policy)
        self._reloaded, self._papers = self._taken(policy)
        premises = self._papers.standing.premises
        if self._recorder and premises:
            self._recorder.keep(premises.retention.records_days)  # as the notice says from now on
        self._log.info("reloaded", rules=str(self._rules))
        if not waiting:
            return "rules loaded"
        self._log.warning("restart_needed", settings=",".join(waiting))
        return f"rules loaded; what was changed in {', '.join(waiting)} waits for a restart"

    def _load(self) -> Policy:
        return load(self._rules, district=self._district, now_ns=time.time_ns())

    def _taken(self, policy: Policy) -> tuple[ReloadState, Papers]:
        """What is known of a policy from now on."""
        if self._devices:
            self._devices.cells = policy.cells()
        standing = read_standing(self._rules, policy, district=self._district)
        if standing.unreadable and self._district is None:
            self._log.warning("notice_unreadable", rules=str(self._rules), first=standing.unreadable)
        now_s = time.time()
        return in_force(policy, standing, now_s=now_s), Papers(policy, now_s, standing)

    def _end_decisions(self, wall_ns: int) -> None:
        """Holds as personal what the board declared until an earlier day, at midnight and not only at the next reload."""
        policy = self._papers.policy.as_of(wall_ns)
        if policy is self._papers.policy:
            return
        self._pipeline.reload(policy)
        state, papers = self._taken(policy)
        self._papers = replace(papers, loaded_s=self._papers.loaded_s)
        self._reloaded = replace(self._reloaded, notice_is_posted=state.notice_is_posted)
        self._log.warning("decision_ran_out", services=len(policy.services.lapsed))

    async def _reload_when_wanted(self) -> None:
        """One reload for all the signals that came during the last one: a storm of them must not keep polls waiting."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            # A refusal is logged and counted where it was refused; whoever sent the signal cannot be answered.
            with suppress(ReloadRefusedError):
                self.reload()
            await asyncio.sleep(POLL_S)

    async def _every(self, period_s: float, work: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            more = work()
            await asyncio.sleep(BUSY_POLL_S if more else period_s)

    def _poll(self) -> bool:
        """Names what has introduced itself; True when there may be more at once."""
        batch = self._tap.read()
        self._pipeline.read(batch.slices, batch.payload_bytes)
        self._pulse.poll(len(batch.slices))
        return self._tap.behind

    def _tick(self) -> bool:
        """Judges what was counted, and makes the snapshot that everyone reads; False, there is no more until later."""
        now_ns, wall_ns = self._tap.now_ns(), time.time_ns()
        if self._recorder:
            self._recorder.tick(wall_ns)  # first: what was revoked a moment ago records nothing of this tick
        self._end_decisions(wall_ns)
        self._pipeline.tick(now_ns, wall_ns)
        snapshot = self._pipeline.snapshot(wall_ns)
        gate = replace(snapshot.gate, dropped_packets=self._tap.dropped_packets())
        limits = {**snapshot.limits, WAITING_SLICES: self._tap.lost_chunks, **self._history.limits_met}
        if self._recorder:
            limits.update(self._recorder.limits_met)
        devices = None if self._devices is None else self._devices.told()
        self._snapshot = replace(snapshot, gate=gate, limits=limits, devices=devices)
        self._history.add(self._snapshot)
        problem = self._tell_manager(self._snapshot)
        if problem != self._problem:
            if problem:
                self._log.warning("degraded", problem=problem)
            else:
                self._log.info("recovered", problem=self._problem)
            self._problem = problem
        if time.monotonic() >= self._next_state_s:
            self._next_state_s = time.monotonic() + STATE_S
            self._write_state()
        return False

    def _tell_manager(self, snapshot: Snapshot) -> str | None:
        """Puts off the watchdog if polls and ticks really go round; why nothing is counted at the moment, or None."""
        gate = snapshot.gate
        if self._pulse.tick(Counts(gate.seen_packets, gate.dropped_packets, snapshot.limits["lost_slices"])):
            self._manager.alive()
        problem = self._tap.problem() or self._pulse.trouble
        if self._manager.wants_status:
            refused = not self._reloaded.successful
            self._manager.status(status_line(self._watching, self._told, snapshot, problem=problem, refused=refused))
            self._told = snapshot
        return problem

    def _record(self, flow: FlowRecord) -> None:
        if self._recorder:
            self._recorder.record(flow, stamp_ns=self._tap.now_ns(), now_ns=time.time_ns())

    def _tell_defect(self) -> None:
        """Tells of the first ones where they are: whoever found one can send it again and again, and fill the log."""
        if self._defects_told < MAX_DEFECTS_TOLD:
            self._defects_told += 1
            self._log.defect("introduction_unread", number=self._defects_told, told_at_most=MAX_DEFECTS_TOLD)

    def _read_state(self) -> DaySoFar | None:
        """What an earlier process told of today. A file that cannot be used is left out, and said so."""
        if self._state is None:
            return None
        try:
            return read_state(self._state)
        except (StateError, OSError) as error:
            self._log.warning("state_refused", file=str(self._state), problem=str(error))
            return None

    def _write_state(self) -> None:
        """Keeps what has been told of today. A disk that refuses it is told of once, and when it takes it again."""
        today, _ = self._allowances.told()
        if self._state is None or not today.day:
            return
        problem = None
        try:
            write_state(self._state, today)
        except OSError as error:
            problem = error.strerror or str(error)
        if problem != self._state_problem:
            if problem:
                self._log.warning("state_not_written", file=str(self._state), problem=problem)
            else:
                self._log.info("state_written_again", file=str(self._state))
        self._state_problem = problem

    def _why_not_ready(self) -> str | None:
        return self._problem if self._snapshot else "no packet has been judged yet"
