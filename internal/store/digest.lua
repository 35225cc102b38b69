-- text is a number as its text, which stays the same on the way to the client and back.
local function text(number) return string.format('%.0f', number) end

-- same reports whether two moments of expiry, as texts, are one: a simulated server rounds.
local function same(a, b)
  return a == b or tonumber(a) > 0 and math.abs(tonumber(a) - tonumber(b)) <= 1
end

-- digest tells whether a value that does not expire is still the same; of one that
-- does, the end of its life tells that for less.
-- KEYS: value.
local function digest(expiry)
  if expiry ~= -1 then return '' end
  local dump = redis.pcall('DUMP', KEYS[1])
  return type(dump) == 'string' and redis.sha1hex(dump) or ''
end

