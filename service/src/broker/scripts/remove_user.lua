-- A user leaves a group, or all. KEYS: the user's groups with a time of their own, and the others.
-- ARGV: the user's channel, the frame, the group (none for all).
-- Returns how many nodes got the frame, and no groups.
if ARGV[3] then
  redis.call('ZREM', KEYS[1], ARGV[3])
  redis.call('ZREM', KEYS[2], ARGV[3])
else
  redis.call('DEL', KEYS[1], KEYS[2])
end
return { redis.call('PUBLISH', ARGV[1], ARGV[2]), {} }
