-- Decides whether a load may change its key: only while the control key names the
-- very lease that was granted for it, and the value is what it was then, as far as the
-- end of its TTL tells. All that destroys the one or replaces the other forbids it by that.
-- KEYS: value, control. ARGV: token, TTL of the lease in ms, expiry, TTL and digest of
-- the value when the lease was granted, see acquire.lua.
local function unchanged(first, last)
  local expiry = redis.call('PEXPIRETIME', KEYS[1])
  if same(text(expiry), ARGV[3]) then return digest(expiry) == ARGV[5] end
  -- The value was touched, see touch.lua.
  if first and ARGV[5] == '' then return same(first, ARGV[3]) and same(text(expiry), last) end
  -- On a simulated server time may stand still, and the expiry runs ahead.
  return redis.call('PTTL', KEYS[2]) == tonumber(ARGV[2]) and text(redis.call('PTTL', KEYS[1])) == ARGV[4]
end

-- permitted also returns the marker that the lease carries, and the moment of its expiry.
local function permitted()
  local token, marker, ends, first, last = control(KEYS[2])
  if token ~= ARGV[1] then return false end
  if unchanged(first, last) then return true, marker, ends end
  redis.call('DEL', KEYS[2]) -- the lease is of no use any more
  return false
end

