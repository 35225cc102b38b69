-- Decides whether a load may change its key: only while the control key names the
-- very lease that was granted for it, and the value is what it was then. All that
-- destroys the one or changes the other forbids it by that.
-- KEYS: value, control. ARGV: token, expiry and life of the value when the lease
-- was granted, see acquire.lua.
local function permitted()
  if redis.pcall('GET', KEYS[2]) ~= 'L' .. ARGV[1] then return false end
  -- The moment of expiry is exact on a server, and all but exact on a simulated one;
  -- where the latter's time stands still, so does the life.
  local expiry = redis.call('PEXPIRETIME', KEYS[1])
  local moved = expiry - tonumber(ARGV[2])
  if moved == 0 or expiry > 0 and moved >= -1 and moved <= 1 or redis.call('PTTL', KEYS[1]) == tonumber(ARGV[3]) then
    return true
  end
  redis.call('DEL', KEYS[2]) -- the lease is of no use any more
  return false
end

