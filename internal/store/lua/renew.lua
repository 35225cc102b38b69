-- Gives a lease a new TTL.
-- KEYS: control. ARGV: token, TTL in ms, 1 if the marker that the lease carries ends before.
-- Returns 1, or 0 when the lease had ended.
local token, marker = control(KEYS[1])
if token ~= ARGV[1] then return 0 end
if ARGV[3] == '1' and marker then
  redis.call('SET', KEYS[1], 'L' .. token, 'PX', ARGV[2])
  return 1
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
