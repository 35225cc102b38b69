-- put replaces the value, if there may be one, by one of moderate size, and ends what the
-- control key holds.
-- KEYS: value, control. ARGV, from first on: the value's life in ms, or -1 for none or one
-- that the command sets, the command that adds to a value, and its arguments.
local function put(first, there)
  local add = ARGV[first + 1]
  if there and add ~= 'set' then redis.call('UNLINK', KEYS[1]) end
  for i = first + 2, #ARGV, 2000 do -- unpack has a limit
    redis.call(add, KEYS[1], unpack(ARGV, i, math.min(i + 1999, #ARGV)))
  end
  if tonumber(ARGV[first]) >= 0 then redis.call('PEXPIRE', KEYS[1], ARGV[first]) end
  redis.call('DEL', KEYS[2])
  return 1
end
