-- text is a number as its text, which stays the same on the way to the client and back.
local function text(number) return string.format('%.0f', number) end

-- blur is how far, in ms, one moment of expiry may seem to move: a simulated server, which
-- has no version, works it out anew from the clock each time it is asked.
local blur = redis.REDIS_VERSION and 0 or 100

-- same reports whether two moments of expiry, as texts, are one.
local function same(a, b)
  return a == b or tonumber(a) > 0 and math.abs(tonumber(a) - tonumber(b)) <= blur
end

-- digest tells whether a value that does not expire is still the same; of one that
-- does, the end of its TTL tells that for less.
-- KEYS: value.
local function digest(expiry)
  if expiry ~= -1 then return '' end
  local dump = redis.pcall('DUMP', KEYS[1])
  return type(dump) == 'string' and redis.sha1hex(dump) or ''
end

