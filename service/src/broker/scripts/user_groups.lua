-- The groups of a user. KEYS: the user's memberships with a time limit, and the others.
-- ARGV: for how many milliseconds the others are kept.
-- Returns first the groups with a time limit, each with its end in milliseconds after it, and then
-- the other groups.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local timed = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf', 'WITHSCORES')
local since = string.format('(%.0f', now - ARGV[1])
return { timed, redis.call('ZRANGEBYSCORE', KEYS[2], since, '+inf') }
