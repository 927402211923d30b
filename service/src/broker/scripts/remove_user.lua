-- A user leaves one group or all groups. KEYS: the user's memberships with a time limit, and the
-- others.
-- ARGV: the user's channel; the frame; the group (missing for all groups).
-- Returns how many nodes received the frame, and no groups.
if ARGV[3] then
  redis.call('ZREM', KEYS[1], ARGV[3])
  redis.call('ZREM', KEYS[2], ARGV[3])
else
  redis.call('DEL', KEYS[1], KEYS[2])
end
return { redis.call('PUBLISH', ARGV[1], ARGV[2]), {} }
