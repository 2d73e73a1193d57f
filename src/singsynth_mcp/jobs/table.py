"""The jobs of all processes, in Redis: each change is one script there, so that no two processes can disagree.

    <space>:job:<id>       hash: what the job is, its state, progress, result; forgotten a day after its end
    <space>:calls:<id>     sorted set: the calls attached, by the time until which they count without word of them
    <space>:key:<key>      the live job of a key
    <space>:queued:<role>  list of the ids that wait, in order of arrival
    <space>:turns:<role>   sorted set: clients by their last turn
    <space>:ticket:<name>  the job that a delivery stands for, where it is not the one that it was made for
    <space>:known:<server>:<tenant>  sorted set of ids by submission
    <space>:dead           list of the ids of jobs that killed their workers, the latest first
    <space>:mean:<role>    moving mean of a job's seconds
    <space>:clock          the table's clock, and that of Redis when it was last looked at

What Redis stores is the truth; the queue that wakes workers only says that there is work.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from redis.asyncio import Redis

from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.jobs import scripts
from singsynth_mcp.jobs.base import JobRecord, NewJob, Role
from singsynth_mcp.jobs.turns import queue_full


class Begun(NamedTuple):
    """What a worker is to do about a delivery."""

    word: Literal["run", "ended", "crashed"]
    job_id: str = ""
    new: NewJob | None = None
    left_seconds: float = 0.0
    """To the deadline."""
    waited_seconds: float = 0.0
    """From the submission to this start."""


@dataclass(frozen=True)
class TableRules:
    """How long things are believed."""

    queue_limit: int = 256
    """Jobs that wait in a role's queue; the next one is refused."""
    crashes: int = 3
    """Attempts that may end without a word before the job is given up."""
    call_seconds: float = 60.0
    """Without word of it, a call counts as attached for so long."""
    kept_seconds: int = 24 * 3600
    """An ended job is remembered for so long."""
    deadline_seconds: float = 3600.0
    """From submission to the end."""


class JobTable:
    """The records of jobs. Every method raises redis.exceptions.RedisError while Redis is away."""

    def __init__(self, redis: Redis, space: str, rules: TableRules) -> None:
        self._redis = redis
        self._space = space
        self._rules = rules
        self._scripts = {name: redis.register_script(text) for name, text in scripts.SCRIPTS.items()}

    async def submit(self, job_id: str, new: NewJob, call: str) -> tuple[str, str]:
        """Attach `call` to the live job of the same key, else to a new one; return its id and, if queued, delivery.

        Raises QueueFull.
        """
        facts = json.dumps(asdict(new))
        rules = self._rules
        limits = (rules.queue_limit, rules.call_seconds)
        about = (new.client, new.priority, new.tool, new.tenant)
        answer = await self._run("submit", job_id, new.key, new.role, facts, call, *limits, *about)
        if int(answer[0]) == 0:
            raise queue_full(new.role, int(answer[1]), float(answer[2]))
        return str(answer[1]), str(answer[2])

    async def attach(self, job_id: str, calls: list[str]) -> None:
        """Give word of calls that are still attached."""
        await self._run("attach", job_id, self._rules.call_seconds, *calls)

    async def leave(self, job_id: str, call: str, *, keep: bool) -> bool:
        """Detach a call; a job that nobody keeps is cancelled. Return False where there is no such job."""
        return bool(await self._run("leave", job_id, call, int(keep), self._rules.kept_seconds))

    async def give_up(self, job_id: str) -> bool:
        """Stop keeping a job. Return False where there is no such job."""
        return bool(await self._run("leave", job_id, "", -1, self._rules.kept_seconds))

    async def begin(self, delivery: str, run: str) -> Begun:
        """Take up the job whose turn it is as `run`.

        A job whose worker went silent has its delivery again, whosever turn it is. The attempt is counted before the
        work: a job whose attempts ended without a word too often is failed here.
        """
        rules = self._rules
        answer = await self._run("begin", delivery, run, rules.crashes, rules.kept_seconds, rules.deadline_seconds)
        word = str(answer[0])
        if word == "crashed":
            return Begun("crashed", str(answer[1]))
        if word != "run":
            return Begun("ended")
        left = float(answer[3])
        return Begun("run", str(answer[1]), NewJob(**json.loads(answer[2])), left, rules.deadline_seconds - left)

    async def go_on(self, job_id: str, run: str, progress: Progress | None) -> bool:
        """Note how far `run` has come; return False where it is to stop: ended, abandoned, or taken up by another."""
        text = "" if progress is None else json.dumps(asdict(progress))
        return bool(await self._run("go_on", job_id, run, text, self._rules.kept_seconds))

    async def put_back(self, job_id: str, run: str) -> str:
        """Queue a job again that `run` gives up in good order; return its new delivery, "" where there is none."""
        return str(await self._run("put_back", job_id, run))

    async def end(
        self, job_id: str, run: str, result: Mapping[str, Any] | None, error: Mapping[str, Any] | None
    ) -> bool:
        """End a live job; a result counts whoever brings it, an error only from the run that holds the job.

        Return whether this call ended it.
        """
        state, text = ("done", json.dumps(result)) if error is None else ("failed", json.dumps(error))
        return bool(await self._run("end", job_id, run, state, text, self._rules.kept_seconds))

    async def delivery(self, job_id: str) -> str:
        """Return a queued job's delivery, "" where it is not queued."""
        state, delivery = await self._redis.hmget(f"{self._space}:job:{job_id}", ["state", "delivery"])
        return str(delivery) if state == "queued" else ""

    async def record(self, job_id: str, *, place: bool = True) -> JobRecord | None:
        """Return a job as callers see it, None where there is none; its `place` in the queue costs a look at it all."""
        answer = await self._run("record", job_id, int(place))
        return _record(job_id, answer) if answer else None

    async def records(self, server: str, tenant: str, most: int = 256) -> list[JobRecord]:
        """Return a tenant's jobs at the servers of a name, the newest first, without their places in the queues."""
        names = await self._redis.zrange(f"{self._space}:known:{server}:{tenant}", 0, most - 1, desc=True)
        return [record for name in names if (record := await self.record(str(name), place=False)) is not None]

    async def queued(self, roles: Sequence[Role]) -> dict[Role, int]:
        """Return how many jobs wait in the queues of `roles`."""
        return {role: int(await self._redis.llen(f"{self._space}:queued:{role}")) for role in roles}

    async def dead(self) -> list[str]:
        """Return the ids of the jobs that killed their workers, the latest first."""
        return [str(job_id) for job_id in await self._redis.lrange(f"{self._space}:dead", 0, -1)]

    async def revive(self, job_id: str) -> tuple[Role, str] | None:
        """Queue a job of the dead again, as new and kept; return its role and delivery, None for one not on the list.

        Where the same work has been asked for meanwhile, that job is another.
        """
        answer = await self._run("revive", job_id)
        return (answer[0], str(answer[1])) if answer else None

    async def bury(self, job_id: str) -> bool:
        """Take a job off the list of the dead; return whether it was there."""
        return bool(await self._redis.lrem(f"{self._space}:dead", 0, job_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, name: str, *arguments: Any) -> Any:
        return await self._scripts[name](keys=[], args=[self._space, *arguments])


def _record(job_id: str, answer: list[Any]) -> JobRecord:
    tool, tenant, state, at, submitted, started, ended, progress, result, error = answer[0]
    begun = float(started or 0.0)
    until = float(ended or answer[2])
    return JobRecord(
        job_id,
        tool,
        state,
        _progress(json.loads(progress)) if progress else None,
        int(answer[1]) or None,
        json.loads(result) if result else None,
        json.loads(error) if error else None,
        submitted_at=float(at),
        queued_seconds=max((begun or until) - float(submitted), 0.0),
        run_seconds=max(until - begun, 0.0) if begun else None,
        tenant=tenant,
    )


def _progress(facts: dict[str, Any]) -> Progress:
    return Progress(**{**facts, "ready": tuple(facts["ready"])})
