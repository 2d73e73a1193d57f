"""What the job table does inside Redis: each script is one step that happens whole or not at all."""

from __future__ import annotations

import json

from singsynth_mcp.errors import DeadlineExceeded, WorkerCrashed

_CRASHED = WorkerCrashed("the job's worker died each time that it was tried").as_dict()
_LATE = DeadlineExceeded("the job was not finished by its deadline", hint="Ask for it again.").as_dict()

_COMMON = """
local space = ARGV[1]
local id = ARGV[2]
local job = space .. ':job:' .. id

-- The table's clock follows that of Redis in steps between 0 and 30 s: one that is put forward (or a night in which
-- nobody looked) ends no call and no job, one that is put back prolongs none.
local time = redis.call('TIME')
local wall = tonumber(time[1]) + tonumber(time[2]) / 1000000
local before = redis.call('HMGET', space .. ':clock', 'wall', 'now')
local now = wall
if before[1] then now = tonumber(before[2]) + math.max(0, math.min(wall - tonumber(before[1]), 30)) end
redis.call('HSET', space .. ':clock', 'wall', wall, 'now', now)

local function state() return redis.call('HGET', job, 'state') end
local function live(which) return which == 'queued' or which == 'running' end
local function role() return redis.call('HGET', job, 'role') end
local function known()
    return space .. ':known:' .. string.match(id, '^(.*)%-') .. ':' .. redis.call('HGET', job, 'tenant')
end

local function abandoned()
    local calls = space .. ':calls:' .. id
    redis.call('ZREMRANGEBYSCORE', calls, '-inf', now)
    return redis.call('HGET', job, 'kept') ~= '1' and redis.call('ZCARD', calls) == 0
end

local function finish(new, field, value, kept)
    redis.call('LREM', space .. ':queued:' .. role(), 1, id)
    redis.call('HSET', job, 'state', new, 'ended', now)
    if field then redis.call('HSET', job, field, value) end
    if new ~= 'failed' then redis.call('HDEL', job, 'new') end -- arguments may hold a whole score
    local key = space .. ':key:' .. redis.call('HGET', job, 'key')
    if redis.call('GET', key) == id then redis.call('DEL', key) end
    redis.call('DEL', space .. ':calls:' .. id)
    redis.call('EXPIRE', job, kept)
    redis.call('ZREMRANGEBYSCORE', known(), '-inf', now - 2 * kept)
    redis.call('EXPIRE', known(), 2 * kept)
end
"""

_ORDER = """
-- A role's queue in the order in which it will be started: the same as that of turns.py.
local function order(which)
    local rounds, ranked = {}, {}
    for arrival, each in ipairs(redis.call('LRANGE', space .. ':queued:' .. which, 0, -1)) do
        local facts = redis.call('HMGET', space .. ':job:' .. each, 'client', 'priority')
        local client, priority = facts[1] or '', facts[2] or 'waiting'
        local group = priority .. ' ' .. client
        local last = tonumber(redis.call('ZSCORE', space .. ':turns:' .. which, client) or '0')
        ranked[arrival] = {priority == 'background' and 1 or 0, rounds[group] or 0, last, arrival, each}
        rounds[group] = (rounds[group] or 0) + 1
    end
    table.sort(ranked, function(one, other)
        for n = 1, 4 do
            if one[n] ~= other[n] then return one[n] < other[n] end
        end
        return false
    end)
    return ranked
end

local function took(which, client)
    local turns = space .. ':turns:' .. which
    local latest = redis.call('ZRANGE', turns, -1, -1, 'WITHSCORES')
    redis.call('ZADD', turns, (tonumber(latest[2]) or 0) + 1, client)
    redis.call('ZREMRANGEBYRANK', turns, 0, -1025)
end
"""

_SUBMIT = """
local key, role_, new, call, limit, lease = ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local client, priority, tool, tenant = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local held = redis.call('GET', space .. ':key:' .. key)
if held and live(redis.call('HGET', space .. ':job:' .. held, 'state')) then
    redis.call('ZADD', space .. ':calls:' .. held, now + lease, call)
    if priority == 'waiting' then redis.call('HSET', space .. ':job:' .. held, 'priority', priority) end
    local waits = redis.call('HGET', space .. ':job:' .. held, 'state') == 'queued'
    return {1, held, waits and redis.call('HGET', space .. ':job:' .. held, 'delivery') or ''}
end
local queued = space .. ':queued:' .. role_
local waiting = redis.call('LLEN', queued)
if waiting >= limit then
    local mean = tonumber(redis.call('GET', space .. ':mean:' .. role_) or '5')
    return {0, waiting, tostring(waiting * mean)}
end
redis.call('HSET', job, 'new', new, 'key', key, 'role', role_, 'state', 'queued', 'submitted', now, 'at', wall,
    'tool', tool, 'tenant', tenant, 'client', client, 'priority', priority,
    'delivery', id .. '.1', 'deliveries', 1, 'crashes', 0, 'kept', 0)
redis.call('SET', space .. ':key:' .. key, id)
redis.call('ZADD', space .. ':calls:' .. id, now + lease, call)
redis.call('RPUSH', queued, id)
redis.call('ZADD', known(), now, id)
redis.call('PERSIST', known())
return {1, id, id .. '.1'}
"""

_ATTACH = """
if not live(state()) then return 0 end
for n = 4, #ARGV do redis.call('ZADD', space .. ':calls:' .. id, now + tonumber(ARGV[3]), ARGV[n]) end
return 1
"""

_LEAVE = """
local call, keep, kept = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local is = state()
if not is then return 0 end
if not live(is) then return 1 end
redis.call('ZREM', space .. ':calls:' .. id, call)
if keep ~= 0 then redis.call('HSET', job, 'kept', keep == 1 and 1 or 0) end
if abandoned() then finish('cancelled', nil, nil, kept) end
return 1
"""

_BEGIN = """
-- A delivery stands for one live job. Where that job waits, the delivery is given to the job whose turn it is, and the
-- job gets the other's: what a worker that died had taken is always delivered again to the job that it was doing.
local ticket, run, crashes, kept, deadline = id, ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local function stand_for(which)
    id = which
    job = space .. ':job:' .. id
end
local function left() return tonumber(redis.call('HGET', job, 'submitted')) + deadline - now end
local function is_over()
    if abandoned() then
        finish('cancelled', nil, nil, kept)
    elseif left() <= 0 then
        finish('failed', 'error', LATE, kept)
    else
        return false
    end
    return true
end

stand_for(redis.call('GET', space .. ':ticket:' .. ticket) or string.match(ticket, '^(.*)%.%d+$') or ticket)
if not live(state()) or redis.call('HGET', job, 'delivery') ~= ticket or is_over() then return {'ended'} end
if redis.call('HGET', job, 'run') == run then -- its answer was lost on the way
    return {'run', id, redis.call('HGET', job, 'new'), tostring(left())}
end
if state() == 'queued' then
    local mine = id
    for _, each in ipairs(order(role())) do
        stand_for(each[5])
        if id == mine or not is_over() then break end
    end
    if id ~= mine then
        local other = redis.call('HGET', job, 'delivery')
        redis.call('HSET', job, 'delivery', ticket)
        redis.call('HSET', space .. ':job:' .. mine, 'delivery', other)
        redis.call('SET', space .. ':ticket:' .. ticket, id, 'EX', kept)
        redis.call('SET', space .. ':ticket:' .. other, mine, 'EX', kept)
    end
    took(role(), redis.call('HGET', job, 'client'))
end
if tonumber(redis.call('HGET', job, 'crashes')) >= crashes then
    finish('failed', 'error', CRASHED, kept)
    redis.call('EXPIRE', job, 30 * kept)
    redis.call('LPUSH', space .. ':dead', id)
    redis.call('LTRIM', space .. ':dead', 0, 999)
    return {'crashed', id}
end
redis.call('HINCRBY', job, 'crashes', 1)
redis.call('LREM', space .. ':queued:' .. role(), 1, id)
redis.call('HSET', job, 'state', 'running', 'run', run)
redis.call('HSETNX', job, 'started', now)
return {'run', id, redis.call('HGET', job, 'new'), tostring(left())}
"""

_GO_ON = """
local run, progress, kept = ARGV[3], ARGV[4], tonumber(ARGV[5])
if state() ~= 'running' or redis.call('HGET', job, 'run') ~= run then return 0 end
if abandoned() then
    finish('cancelled', nil, nil, kept)
    return 0
end
if progress ~= '' then redis.call('HSET', job, 'progress', progress) end
return 1
"""

_PUT_BACK = """
if state() ~= 'running' or redis.call('HGET', job, 'run') ~= ARGV[3] then return '' end
redis.call('HINCRBY', job, 'crashes', -1)
redis.call('HSET', job, 'state', 'queued')
redis.call('HDEL', job, 'started', 'run')
redis.call('LPUSH', space .. ':queued:' .. role(), id)
local ticket = id .. '.' .. redis.call('HINCRBY', job, 'deliveries', 1)
redis.call('HSET', job, 'delivery', ticket)
redis.call('DEL', space .. ':ticket:' .. ticket)
return ticket
"""

_REVIVE = """
if redis.call('LREM', space .. ':dead', 0, id) == 0 or state() ~= 'failed' then return false end
local key = space .. ':key:' .. redis.call('HGET', job, 'key')
redis.call('HDEL', job, 'error', 'started', 'ended', 'run', 'progress')
local ticket = id .. '.' .. redis.call('HINCRBY', job, 'deliveries', 1)
redis.call('HSET', job, 'state', 'queued', 'submitted', now, 'crashes', 0, 'kept', 1, 'delivery', ticket)
redis.call('PERSIST', job)
if redis.call('EXISTS', key) == 0 then redis.call('SET', key, id) end
redis.call('RPUSH', space .. ':queued:' .. role(), id)
redis.call('ZADD', known(), now, id)
redis.call('PERSIST', known())
return {role(), ticket}
"""

_END = """
local run, new, text, kept = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
if not live(state()) then return 0 end
if new ~= 'done' and redis.call('HGET', job, 'run') ~= run then return 0 end
local started = redis.call('HGET', job, 'started')
if new == 'done' and started then
    local name = space .. ':mean:' .. role()
    local mean = tonumber(redis.call('GET', name) or '5')
    redis.call('SET', name, tostring(mean + 0.2 * (now - tonumber(started) - mean)))
end
finish(new, new == 'done' and 'result' or 'error', text, kept)
return 1
"""

_RECORD = """
if not state() then return false end
local facts = redis.call('HMGET', job, 'tool', 'tenant', 'state', 'at', 'submitted', 'started', 'ended', 'progress',
    'result', 'error')
local place = 0
if state() == 'queued' and ARGV[3] == '1' then
    for n, each in ipairs(order(role())) do
        if each[5] == id then place = n end
    end
end
return {facts, place, tostring(now)}
"""


def _text(value: object) -> str:
    return "[==[" + json.dumps(value) + "]==]"


SCRIPTS: dict[str, str] = {
    name: (_COMMON + _ORDER + body).replace("CRASHED", _text(_CRASHED)).replace("LATE", _text(_LATE))
    for name, body in {
        "submit": _SUBMIT,
        "attach": _ATTACH,
        "leave": _LEAVE,
        "begin": _BEGIN,
        "go_on": _GO_ON,
        "put_back": _PUT_BACK,
        "end": _END,
        "revive": _REVIVE,
        "record": _RECORD,
    }.items()
}
