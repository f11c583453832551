"""What Valkey does with a session in one step of its own.

`session:<id>` is a hash: `owner` (the tenant's id, or zeros), `record` (JSON), `token` (the digest
of the token in use), `generation` (how often it was renewed), `since` (when that token was first
used), `offered` (when its successor was last given out), and what the list of sessions shows.
`token:<digest>` holds the session's id and the token's generation, also of tokens that were
replaced: one that comes back is known for what it is. Times are seconds of Valkey's own clock.
"""

from tenants.access.rate_limits import CHARGE

#: Tells a request's token from one that was replaced too long ago.
STOLEN = 2
OFFERED = 1

#: The session and its organisation's epoch in one round trip: {record, epoch, mark, charges…}.
#:
#: A token that is first used takes the place of the one before, which then serves for `grace`
#: seconds more (requests that were under way) and ends the session when it comes later: two
#: browsers hold it. A successor is offered after `renew` seconds, and again where it was never
#: used: an answer that was lost on the way signs nobody out.
#:
#: With a rate, the request is charged to the session and then to the organisation as well: what a
#: session is refused costs the others of its organisation nothing.
FIND = (
    CHARGE
    + """
local idle, grace, renew, kept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local said = redis.call('GET', KEYS[1])
if not said then return false end
local id, generation = string.sub(said, 1, 32), tonumber(string.sub(said, 33))
local name = 'session:' .. id
local held = redis.call('HMGET', name, 'record', 'owner', 'token', 'generation', 'since', 'offered')
local record, owner = held[1], held[2]
if not record then return false end
local now = tonumber(redis.call('TIME')[1])
local epoch = redis.call('GET', 'access:' .. owner) or '0'
local mark = 0
if held[3] == string.sub(KEYS[1], 7) then
  if KEYS[2] and now - held[5] >= renew and now - held[6] > grace then
    redis.call('SET', KEYS[2], id .. (generation + 1), 'EX', kept)
    redis.call('HSET', name, 'offered', now)
    mark = 1
  end
elseif generation > tonumber(held[4]) then
  redis.call('HSET', name, 'token', string.sub(KEYS[1], 7), 'generation', generation, 'since', now)
elseif now - held[5] > grace then
  redis.call('DEL', name)
  return {record, epoch, 2}
end
redis.call('EXPIRE', name, idle)
if not ARGV[5] then return {record, epoch, mark} end
local of_session = charge('rate:' .. name, tonumber(ARGV[5]), tonumber(ARGV[6]))
if of_session[1] == 0 or owner == string.rep('0', 32) then
  return {record, epoch, mark, of_session}
end
local plan = redis.call('GET', 'rate:plan:' .. owner)
if not plan then return {record, epoch, mark, of_session, ''} end
local per_s = plan * ARGV[8]
return {record, epoch, mark, of_session,
  charge('rate:tenant:' .. owner, per_s, per_s * ARGV[7]), per_s}
"""
)

#: Writes a record anew, unless its session ended in the meantime.
KEEP = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[1])
return 1
"""
