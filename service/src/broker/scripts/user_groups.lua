-- The groups of a user. KEYS: the user's groups with a time of their own, and the others.
-- ARGV: for how many milliseconds the others are kept.
-- Returns the groups, those with a time of their own each with its end in milliseconds behind it, and
-- then the others.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local timed = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf', 'WITHSCORES')
local since = string.format('(%.0f', now - ARGV[1])
return { timed, redis.call('ZRANGEBYSCORE', KEYS[2], since, '+inf') }
