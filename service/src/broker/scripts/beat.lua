-- A node says that it is there. KEYS: the list of nodes, what this node says about itself.
-- ARGV: its name, after how many milliseconds a node is gone, the beginning of the keys of what nodes
-- say about themselves, and what this one says, name and value in turn.
-- Returns the time in milliseconds, the nodes that are there, and the connections of those that were
-- there and said nothing for too long. Each is returned once, to one node.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[2], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local frozen = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])) do
  local connection = redis.call('HGET', ARGV[3] .. node, 'subscriber')
  if connection then frozen[#frozen + 1] = connection end
  redis.call('ZREM', KEYS[1], node)
end
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
return { now, redis.call('ZRANGE', KEYS[1], 0, -1), frozen }
