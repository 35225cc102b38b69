-- Stores a loaded string under a lease that carries nothing, as most that are stored by
-- themselves, before the functions are made that add.lua needs for all others.
if #KEYS == 2 and redis.pcall('GET', KEYS[2]) == 'L' .. ARGV[1] then
  local stored = redis.call('SET', KEYS[1], ARGV[2], 'NX', unpack(ARGV, 3))
  redis.call('DEL', KEYS[2])
  return stored and 1 or 0
end

