-- Gives a value a new life.
-- KEYS: value, control. ARGV: type, life in ms or -1, life of an empty mark in ms.
-- Returns 1, or 0 when there is no value.
local type = redis.call('TYPE', KEYS[1]).ok
if type == ARGV[1] then
  if tonumber(ARGV[2]) < 0 then
    redis.call('PERSIST', KEYS[1])
  else
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return 1
end
if type == 'none' and ARGV[1] ~= 'string'
  and redis.call('TYPE', KEYS[2]).ok == 'string' and redis.call('GET', KEYS[2]) == 'E' then
  return redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 0
