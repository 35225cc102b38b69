-- setString stores the string of the i-th run of merge.lua, which see. From the a-th on, the run's
-- arguments are the string and, unless it has no end, 'px' and its TTL in ms. It returns 1, or the
-- error.
local function setString(i, a, first, step)
  local value = ARGV[first[a] + step[a] * i]
  local set
  if first[a + 1] then
    local px, ttl = ARGV[first[a + 1] + step[a + 1] * i], ARGV[first[a + 2] + step[a + 2] * i]
    set = redis.pcall('SET', KEYS[i], value, px, ttl)
  else
    set = redis.pcall('SET', KEYS[i], value)
  end
  return set.ok and 1 or set
end

