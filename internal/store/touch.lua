-- Gives a value a new life.
-- KEYS: value, control. ARGV: life in ms or -1, life of an empty mark in ms.
-- Returns 1, or 0 when there is no value.
if redis.call('EXISTS', KEYS[1]) == 1 then
  if tonumber(ARGV[1]) < 0 then
    redis.call('PERSIST', KEYS[1])
  else
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
  end
  return 1
end
if redis.call('TYPE', KEYS[2]).ok == 'string' and redis.call('GET', KEYS[2]) == 'E' then
  return redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return 0
