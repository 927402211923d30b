-- A node says that it is there. KEYS: the list of nodes, what this node says about itself.
-- ARGV: its name, after how many milliseconds a node is gone, its version, when it started.
-- Returns the time in milliseconds, and the nodes that are there.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[2], 'version', ARGV[3], 'started', ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { now, redis.call('ZRANGE', KEYS[1], 0, -1) }
