-- holds reports whether a control key holds the lease of a token, alone or with a letter
-- behind it.
local function holds(key, token)
  local held = redis.pcall('GET', key) -- a table if the key is of another type
  return type(held) == 'string' and string.sub(held, 1, 17) == 'L' .. token and held
end

