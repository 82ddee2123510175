"""A guard ready to use: texts in, one result each out, in order; what is not judged is told, never taken for safe."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from hegui.general.content.guards import aliyun
from hegui.general.content.guards.breaker import Breaker, Circuit
from hegui.general.content.guards.cache import Cache
from hegui.general.content.guards.families import Asked, Call, Family, LlamaGuard, Mode, Qwen3Guard, YesNo
from hegui.general.content.guards.mapping import Mapping, load_mapping
from hegui.general.content.guards.results import (
    CONTROL_TOKENS,
    GuardResult,
    Judgement,
    Reason,
    ServiceError,
    State,
    merged,
)
from hegui.general.content.guards.settings import GuardSettings, load_settings, secret
from hegui.general.content.guards.tidy import defused, tidy
from hegui.general.content.guards.transport import Acs3, AioTransport, Transport, bearer, has_aiohttp
from hegui.general.content.guards.windows import TooLongError, windows
from hegui.general.content.policy import Side
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError, SettingsError
from hegui.kit.text import Bi

_OK: Final = 200
_ABOUT_THE_TEXT: Final = frozenset({400, 413, 422})
"""Statuses that speak of the question, not of the service: they do not open the circuit."""
_PADDING: Final = 8
"""How many times longer than the limit a text may be before what can not be seen is taken out of it."""

Outcome = Judgement | Reason


@dataclass(eq=False)
class _Job:
    """One call under way, and how many checks wait for it."""

    key: bytes
    task: asyncio.Task[Outcome]
    waiting: int = 0


@dataclass
class _Plan:
    """What one text needs: judgements that are at hand, reasons why there is none, and calls under way."""

    parts: list[Outcome | _Job] = field(default_factory=list)
    cached: int = 0
    notes: tuple[str, ...] = ()


class _Turn:
    """What belongs to one event loop: the places for calls, and the calls under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, places: int) -> None:
        self.loop = loop
        self.places = asyncio.Semaphore(places)
        self.jobs: dict[bytes, _Job] = {}

    def drop(self, job: _Job) -> None:
        """Forget a call that has ended, or that nobody waits for any more."""
        if self.jobs.get(job.key) is job:
            del self.jobs[job.key]


class Guard:
    """One guard model. Use it from one event loop at a time, or by `check_now` from any thread without one."""

    def __init__(
        self, settings: GuardSettings, transport: Transport | None = None, *,
        mapping: Mapping | None = None, clock: Callable[[], float] = time.monotonic, normalise: Callable[[str], str] = tidy,
    ) -> None:  # fmt: skip
        """Make a guard; raise SettingsError or MappingError.

        `normalise` prepares a text before it is sent; what it returns is also what is hashed.
        """
        self.settings = settings
        self.mapping = mapping or load_mapping(settings.family, Path(settings.mapping) if settings.mapping else None)
        self.family = _family(settings, self.mapping)
        self.transport = transport or _transport(settings)
        self.breaker = Breaker(settings.breaker_failures, settings.breaker_seconds, clock=clock)
        self.cache = Cache(settings.cache_entries, settings.cache_bytes, settings.cache_seconds, clock=clock)
        self.counts: Counter[str] = Counter()
        self._normalise = normalise
        self._whole = settings.whole_characters
        if settings.family == "aliyun":
            self._whole = min(self._whole, aliyun.LONGEST)
        self.identity = canonical({**settings.identity, "mapping": self.mapping.version})
        self._turn: _Turn | None = None
        self._runner: asyncio.Runner | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Return what results name as the model: with the mapping's version, since both decide."""
        return f"{self.settings.model or self.settings.input_service}@{self.mapping.version}"

    async def check(
        self, texts: Sequence[str], side: Side = Side.INPUT, *, prompts: Sequence[str] = ()
    ) -> list[GuardResult]:
        """Return a result for each text, in order, within `total_seconds`.

        `prompts` are, for answers, what they answer: as many as texts, or none. It raises nothing but
        cancellation; what went wrong stands in each result.
        """
        if prompts and len(prompts) != len(texts):
            raise InputError(
                Bi(f"{len(texts)} 段文本却有 {len(prompts)} 个提问", f"{len(texts)} texts, but {len(prompts)} prompts"),
                Bi("每段文本给一个提问，或都不给", "give one prompt a text, or none"),
            )
        turn = self._in_turn()
        plans: list[_Plan] = []
        try:
            for at, text in enumerate(texts):
                plans.append(self._plan(turn, text, side, prompts[at] if prompts else ""))
            waited = {part.task for plan in plans for part in plan.parts if isinstance(part, _Job)}
            if waited:
                await asyncio.wait(waited, timeout=self.settings.total_seconds)
            return [self._result(plan) for plan in plans]
        finally:
            _leave(turn, plans)

    def check_now(
        self, texts: Sequence[str], side: Side = Side.INPUT, *, prompts: Sequence[str] = ()
    ) -> list[GuardResult]:
        """Do the same without an event loop; raise InputError inside one."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            with self._lock:
                self._runner = self._runner or asyncio.Runner()
                return self._runner.run(self.check(texts, side, prompts=prompts))
        raise InputError(
            Bi("事件循环里不能用 check_now", "check_now can not be used inside an event loop"),
            Bi("改用 await guard.check(…)", "use await guard.check(…)"),
        )

    # --- what a text needs ------------------------------------------------------------------------

    def _plan(self, turn: _Turn, text: str, side: Side, before: str) -> _Plan:
        settings = self.settings
        if len(text) > settings.window_characters * settings.windows * _PADDING:
            return self._too_long()
        sent, changed = defused(self._normalise(text))
        plan = _Plan(notes=(CONTROL_TOKENS,) if changed else ())
        if not sent:
            return plan
        try:
            parts = windows(sent, size=settings.window_characters, most=settings.windows, whole=self._whole)
        except TooLongError:
            return self._too_long()
        asked = defused(self._normalise(before[-settings.window_characters :]))[0] if before else ""
        for part in parts:
            for call in self.family.calls(part, side, asked):
                self._need(turn, plan, call)
        return plan

    def _too_long(self) -> _Plan:
        self.counts[Reason.TOO_LONG] += 1
        return _Plan(parts=[Reason.TOO_LONG])

    def _need(self, turn: _Turn, plan: _Plan, call: Call) -> None:
        """Add to a plan what answers a call: a judgement at hand, a call under way already, or a new one."""
        key = self.cache.key(self.identity, call.about.encode(), call.body)
        job = turn.jobs.get(key)
        if job is not None:
            self.counts["joined"] += 1
        else:
            at_hand = self.cache.get(key)
            if at_hand is not None:
                plan.cached += 1
                plan.parts.append(at_hand)
                return
            if len(turn.jobs) >= self.settings.concurrency + self.settings.queue:
                self.counts[Reason.BUSY] += 1
                plan.parts.append(Reason.BUSY)
                return
            job = turn.jobs[key] = _Job(key, turn.loop.create_task(self._answer(turn, key, call)))
            job.task.add_done_callback(lambda _task, job=job: turn.drop(job))  # type: ignore[misc]
        job.waiting += 1
        plan.parts.append(job)

    def _result(self, plan: _Plan) -> GuardResult:
        outcomes = [_outcome(part) if isinstance(part, _Job) else part for part in plan.parts]
        late = sum(outcome is Reason.DEADLINE for outcome in outcomes)
        if late:
            self.counts[Reason.DEADLINE] += late
        failed = [outcome for outcome in outcomes if isinstance(outcome, Reason)]
        together = merged(outcome for outcome in outcomes if isinstance(outcome, Judgement))
        return GuardResult(
            State.UNDETERMINED if failed else State.JUDGED, together.findings, self.name,
            failed[0].value if failed else "", together.scores, len(outcomes), plan.cached, len(failed), plan.notes,
        )  # fmt: skip

    # --- one call ---------------------------------------------------------------------------------

    async def _answer(self, turn: _Turn, key: bytes, call: Call) -> Outcome:
        """Return what the service says to one question, or why it is not known."""
        async with turn.places:
            permit = self.breaker.allow()
            outcome: Outcome = Reason.CIRCUIT_OPEN if permit is None else await self._asked(call, permit)
        if isinstance(outcome, Judgement):
            self.cache.put(key, outcome)
        else:
            self.counts[outcome] += 1
        return outcome

    async def _asked(self, call: Call, permit: Circuit) -> Outcome:
        self.counts["calls"] += 1
        try:
            async with asyncio.timeout(self.settings.call_seconds):
                status, body = await self._post(call)
        except TimeoutError:
            self.breaker.failed(permit)
            return Reason.TIMEOUT
        except asyncio.CancelledError:
            self.breaker.withdrawn(permit)
            raise
        except Exception:  # noqa: BLE001 - whatever a transport raises, the text is not judged
            self.breaker.failed(permit)
            return Reason.TRANSPORT
        if status == _OK:
            return self._read(call, body, permit)
        self.counts[f"status_{status}"] += 1
        (self.breaker.succeeded if status in _ABOUT_THE_TEXT else self.breaker.failed)(permit)
        return Reason.STATUS

    def _read(self, call: Call, body: bytes, permit: Circuit) -> Outcome:
        try:
            judgement = self.family.read(call, body)
        except ServiceError:
            self.breaker.failed(permit)
            return Reason.STATUS
        except Exception:  # noqa: BLE001 - NotUnderstoodError, or an answer so odd that reading it fails
            self.breaker.succeeded(permit)
            return Reason.NOT_UNDERSTOOD
        self.breaker.succeeded(permit)
        return judgement

    async def _post(self, call: Call) -> tuple[int, bytes]:
        """Send a question; again when the connection broke before an answer came, since asking changes nothing."""
        for _ in range(self.settings.retries):
            try:
                return await self.transport.post(call.path, call.body)
            except TimeoutError:
                raise
            except OSError:
                self.counts["retried"] += 1
        return await self.transport.post(call.path, call.body)

    # --- its life ---------------------------------------------------------------------------------

    def _in_turn(self) -> _Turn:
        loop = asyncio.get_running_loop()
        if self._turn is None or self._turn.loop is not loop:
            self._turn = _Turn(loop, self.settings.concurrency)
        return self._turn

    def state(self) -> dict[str, object]:
        """Return the counts that an operator looks at: calls, hits, failures by reason, the circuit."""
        cache, breaker = self.cache, self.breaker
        return {
            "model": self.name, "circuit": breaker.circuit.value, "circuit_failures": breaker.failures,
            "circuit_opened": breaker.opened, "circuit_refused": breaker.refused, "cache_entries": len(cache),
            "cache_bytes": cache.bytes, "cache_hits": cache.hits, "cache_misses": cache.misses,
            "cache_evicted": cache.evicted, **{str(name): count for name, count in sorted(self.counts.items())},
        }  # fmt: skip

    async def close(self) -> None:
        """Give back the connections of the transport made here; calls under way are given up."""
        turn, self._turn = self._turn, None
        if turn is not None and turn.loop is asyncio.get_running_loop():
            tasks = [job.task for job in turn.jobs.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(self.transport, AioTransport):
            await self.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        await self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        with self._lock:
            runner, self._runner = self._runner, None
            if runner is not None:
                runner.run(self.close())
                runner.close()


def _outcome(job: _Job) -> Outcome:
    if not job.task.done():
        return Reason.DEADLINE
    return Reason.TRANSPORT if job.task.cancelled() else job.task.result()


def _leave(turn: _Turn, plans: list[_Plan]) -> None:
    """Stop waiting; a call that nobody waits for any more is given up."""
    for plan in plans:
        for part in plan.parts:
            if isinstance(part, _Job):
                part.waiting -= 1
                if not part.waiting and not part.task.done():
                    turn.drop(part)
                    part.task.cancel()


def _family(settings: GuardSettings, mapping: Mapping) -> Family:
    if mapping.family != settings.family:
        raise SettingsError(
            Bi(
                f"映射属于 {mapping.family}，设置为 {settings.family}",
                f"the mapping is for {mapping.family}, not for {settings.family}",
            ),
            Bi("用同一家族的映射", "give a mapping of the same family"),
        )
    unknown = [name for name in settings.categories if name not in mapping.categories]
    if unknown:
        raise SettingsError(
            Bi(f"映射里没有类别 {unknown}", f"the mapping has no categories {unknown}"),
            Bi(f"从中选择：{', '.join(mapping.categories)}", f"choose among: {', '.join(mapping.categories)}"),
        )
    asked = Asked(
        model=settings.model, mapping=mapping, mode=Mode(settings.mode), unsafe=settings.unsafe_from,
        controversial=settings.controversial_from, categories=settings.categories,
        input_service=settings.input_service, output_service=settings.output_service,
    )  # fmt: skip
    match settings.family:
        case "qwen3guard":
            return Qwen3Guard(asked)
        case "llama_guard":
            return LlamaGuard(asked)
        case "aliyun":
            return aliyun.Aliyun(asked)
        case _:
            return YesNo(asked, template=settings.family == "shieldgemma")


def _transport(settings: GuardSettings) -> Transport:
    has_aiohttp()
    key = secret(settings, "key_env")
    headers = bearer(key)
    if settings.family == "aliyun":
        host = urlsplit(settings.url).netloc
        headers = Acs3(
            host=host, key_id=secret(settings, "key_id_env"), secret=key, action=aliyun.ACTION, version=aliyun.VERSION
        )
    return AioTransport(settings.url, headers, longest_reply=settings.reply_bytes, ca_file=settings.ca_file)


def load_guard(path: Path) -> Guard:
    """Return the guard that a settings file describes; raise SettingsError or MappingError."""
    return Guard(load_settings(path))
