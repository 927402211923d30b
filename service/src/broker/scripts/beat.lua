-- A node reports that it is running. KEYS: the list of nodes, and the data of this node.
-- ARGV: the name of the node; after how many milliseconds without a beat a node counts as gone; the
-- beginning of the keys of the nodes' data; the data of this node, name and value in turn.
-- Returns the time in milliseconds, the nodes that are running, and the connections of nodes that
-- have stopped sending beats. Each such connection is returned once, to one node. A connection of an
-- earlier run of the broker is not returned, because its number may belong to another one now.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[2], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local function run()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)')
end
local frozen = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])) do
  local connection = redis.call('HGET', ARGV[3] .. node, 'subscriber')
  local of_run = redis.call('HGET', ARGV[3] .. node, 'run')
  if connection and of_run and of_run == run() then frozen[#frozen + 1] = connection end
  redis.call('DEL', ARGV[3] .. node)
  redis.call('ZREM', KEYS[1], node)
end
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
return { now, redis.call('ZRANGE', KEYS[1], 0, -1), frozen }
