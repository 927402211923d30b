-- A user joins a group. KEYS: the user's groups with a time of their own, and the others.
-- ARGV: the user's channel, the frame up to the end of the membership, the group, for how many
-- milliseconds (none without a time of its own, 0 for open connections only), how many groups without
-- a time are kept, for how many milliseconds. The end in the frame is 0 without a time, and the
-- largest number for open connections only.
-- Returns how many nodes got the frame, and the groups that had to go.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local group, ttl = ARGV[3], ARGV[4]
local ends, dropped = '\0\0\0\0\0\0\0\0', {}
local function keep()
  local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2]))) end
end
if ttl == '' then
  redis.call('ZREM', KEYS[1], group)
  -- The clock alone does not tell two changes of the same millisecond apart.
  local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
  local changed = now
  if newest[2] and tonumber(newest[2]) >= now then changed = tonumber(newest[2]) + 0.001 end
  redis.call('ZADD', KEYS[2], string.format('%.3f', changed), group)
  local excess = redis.call('ZCARD', KEYS[2]) - ARGV[5]
  if excess > 0 then
    dropped = redis.call('ZRANGE', KEYS[2], 0, excess - 1)
    redis.call('ZREMRANGEBYRANK', KEYS[2], 0, excess - 1)
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
elseif ttl ~= '0' then
  local at = now + tonumber(ttl)
  ends = struct.pack('<I8', at)
  redis.call('ZREM', KEYS[2], group)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZADD', KEYS[1], string.format('%.0f', at), group)
else
  ends = '\255\255\255\255\255\255\255\255'
end
keep()
local frame = ARGV[2] .. ends
return { redis.call('PUBLISH', ARGV[1], frame), dropped }
