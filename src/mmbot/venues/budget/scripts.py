"""The bucket of `bucket.py` as Redis scripts: each runs as one step, by the clock of the server.

Per bucket two keys: a sorted set with one member per token that is out, scored by when it is back
(microseconds), and a hash with the limit in force, the end of a block and the last member. When the
server's clock went back, what lies beyond a span is moved to its end: nothing waits longer.

Keys come in pairs (tokens, state) per bucket. Arguments per bucket begin with the published limit
and the span.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ACQUIRE", "REPORT", "STATUS"]

_COMMON: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function put(tokens, state, span, count)
  local back = now + span
  local last = redis.call('HINCRBY', state, 'member', count)
  for member = last - count + 1, last do
    redis.call('ZADD', tokens, back, member)
  end
  redis.call('PEXPIRE', tokens, math.ceil(span / 1000) + 1000)
  redis.call('EXPIRE', state, 86400)
end

local function out(tokens, state, span)
  redis.call('ZREMRANGEBYSCORE', tokens, '-inf', now)
  local latest = string.format('(%.0f', now + span)
  local beyond = redis.call('ZREMRANGEBYSCORE', tokens, latest, '+inf')
  if beyond > 0 then
    put(tokens, state, span, beyond)
  end
  return redis.call('ZCARD', tokens)
end

local function limit_of(state, published)
  return tonumber(redis.call('HGET', state, 'limit') or published)
end

local function blocked(state)
  local left = tonumber(redis.call('HGET', state, 'blocked_until') or 0) - now
  local longest = tonumber(redis.call('HGET', state, 'blocked_for') or 0)
  return math.max(0, math.min(left, longest))
end
"""

ACQUIRE: Final = (
    _COMMON
    + """
local at, needs, longest, worst = 1, {}, 0, 0
for i = 1, #KEYS, 2 do
  local tokens, state = KEYS[i], KEYS[i + 1]
  local published, span, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local limit, floor = limit_of(state, published), 0
  for pair = 1, tonumber(ARGV[at + 3]) do
    local kept, part = tonumber(ARGV[at + 2 + 2 * pair]), tonumber(ARGV[at + 3 + 2 * pair])
    floor = floor + math.min(kept, math.floor(limit / part))
  end
  at = at + 4 + 2 * tonumber(ARGV[at + 3])
  local most = limit - floor - cost
  if most < 0 then
    return {-1, i}
  end
  local wait = blocked(state)
  local missing = out(tokens, state, span) - most
  if missing > 0 then
    local back = redis.call('ZRANGE', tokens, missing - 1, missing - 1, 'WITHSCORES')[2]
    wait = math.max(wait, tonumber(back) - now)
  end
  if wait > longest then
    longest, worst = wait, i
  end
  needs[#needs + 1] = {tokens, state, span, cost}
end
if longest == 0 then
  for _, need in ipairs(needs) do
    put(need[1], need[2], need[3], need[4])
  end
end
return {longest, worst}
"""
)
"""Arguments: published limit, span, cost, number of reserves, then (kept, part) of each.

Answers ``{wait, key}``: 0 and taken, a wait in microseconds, or -1 for never; `key` is the index of
the first key of the bucket that decided.
"""

REPORT: Final = (
    _COMMON
    + """
local at = 1
for i = 1, #KEYS, 2 do
  local tokens, state = KEYS[i], KEYS[i + 1]
  local published, span = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local limit, left = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local block, count = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  at = at + 6
  if limit >= 0 then
    redis.call('HSET', state, 'limit', limit)
  end
  if left >= 0 then
    local gone = limit_of(state, published) - out(tokens, state, span) - left
    count = count + math.max(0, gone)
  end
  if count > 0 then
    put(tokens, state, span, count)
  end
  if block > blocked(state) then
    redis.call('HSET', state, 'blocked_until', now + block, 'blocked_for', block)
  end
  redis.call('EXPIRE', state, 86400)
end
return 0
"""
)
"""Arguments: published limit, span, limit in force or -1, left or -1, block, tokens taken."""

STATUS: Final = (
    _COMMON
    + """
local rows, at = {}, 1
for i = 1, #KEYS, 2 do
  local limit = limit_of(KEYS[i + 1], ARGV[at])
  rows[#rows + 1] = limit
  rows[#rows + 1] = limit - out(KEYS[i], KEYS[i + 1], tonumber(ARGV[at + 1]))
  rows[#rows + 1] = blocked(KEYS[i + 1])
  at = at + 2
end
return rows
"""
)
"""Answers limit, left and block of each bucket in a row."""
