-- Gives a lease a new TTL.
-- KEYS: control. ARGV: token, TTL in ms.
-- Returns 1, or 0 when the lease had ended.
local token, marker, ends = control(KEYS[1])
if token ~= ARGV[1] then return 0 end
if marker and ends ~= '' and rest(KEYS[1], ends) <= tonumber(ARGV[2]) then -- it ends before
  redis.call('SET', KEYS[1], 'L' .. token, 'PX', ARGV[2])
  return 1
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
