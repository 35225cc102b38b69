-- setString stores the string of a run, whose arguments from the a-th on are the string and, unless
-- it has no end, 'px' and its TTL in ms. It returns 1, or the error.
local function setString(i, a, first, step)
  local string, set = ARGV[first[a] + step[a] * i]
  if first[a + 1] then
    set = redis.pcall('SET', KEYS[i], string, 'PX', ARGV[first[a + 2] + step[a + 2] * i])
  else
    set = redis.pcall('SET', KEYS[i], string)
  end
  return set.ok and 1 or set
end

