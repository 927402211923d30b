-- A user joins a group. KEYS: the user's memberships with a time limit, and the others.
-- ARGV: 1. the user's channel; 2. the frame without what the script adds; 3. the group; 4. the
-- time limit in milliseconds (empty for no limit, 0 for open connections only); 5. how many
-- memberships without a limit are kept; 6. for how many milliseconds these are kept.
-- The script adds to the frame: the end of the membership (0 for no limit, and the largest number for
-- open connections only), and the groups that were removed to make room. So every node leaves these
-- at the same place among all changes of the user.
-- Returns how many nodes received the frame, and no groups.
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
  -- Two changes may have the same millisecond. The fraction keeps them in order.
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
local frame = { ARGV[2], ends, struct.pack('<I4', #dropped) }
for _, one in ipairs(dropped) do frame[#frame + 1] = struct.pack('<I4', #one) .. one end
return { redis.call('PUBLISH', ARGV[1], table.concat(frame)), {} }
