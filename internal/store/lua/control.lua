-- parse takes apart what GET says of a control key. It returns the token of a lease; the
-- marker, N, E or E with versions, which stands alone or is carried by the lease; of a carried
-- marker the moment of its expiry, as a text, which may be empty; and the two moments that
-- touch.lua writes.
-- What is not there is nil, and so is everything for content that is none of these.
-- control.go reads the same, and a test compares the two.
local function parse(held)
  if held == 'N' or held == 'E' then return nil, held end
  if type(held) ~= 'string' or #held > 512 then return nil end
  if string.find(held, '^E@[@%d]*$') then return nil, held end
  if #held < 17 or string.sub(held, 1, 1) ~= 'L' then return nil end
  local token, carried = string.sub(held, 2, 17), string.sub(held, 18)
  if carried == '' then return token end
  local marker, ends = string.match(carried, '^([NE])(%d*)$')
  if not marker then marker, ends = string.match(carried, '^(E@[@%d]*):(%d*)$') end
  if marker and #ends < 16 then return token, marker, ends end
  local first, last = string.match(carried, '^T(%-?%d+):(%-?%d+)$')
  if first then return token, nil, nil, first, last end
  return nil
end

-- control is parse for a key. One of another type holds nothing.
local function control(key) return parse(redis.pcall('GET', key)) end

-- versions are those of an E, each behind an @.
local function versions(marker)
  return marker == 'E' and '@0' or string.sub(marker, 2)
end

-- isEmpty reports whether a marker says that the value of a version is empty, by the marker
-- with which that version says so; a version whose values are never empty has none: ''.
local function isEmpty(marker, mine)
  if not marker or marker == 'N' or mine == '' then return false end
  return marker == mine or string.find(versions(marker) .. '@', versions(mine) .. '@', 1, true) ~= nil
end

-- others is what a marker says of other versions than that of mine; nil if that is nothing.
local function others(marker, mine)
  if not marker or marker == 'N' or marker == mine then return nil end
  if not isEmpty(marker, mine) then return marker end
  local left = string.gsub(versions(marker) .. '@', versions(mine) .. '@', '@')
  return #left > 1 and 'E' .. string.sub(left, 1, -2) or nil
end

-- carry is a lease that carries a marker and, if it is known, the moment of its expiry.
local function carry(lease, marker, ends)
  return lease .. marker .. (#marker > 1 and ':' or '') .. ends
end

-- clock is the server's, in ms, by a key that has so long to live: users of Redis may not call
-- TIME.
local function clock(key, left) return redis.call('PEXPIRETIME', key) - left end

-- rest is how long, in ms, the marker of a control key has still to live. Of a carried marker
-- whose expiry is not known it is the TTL of the lease. That of a lease without TTL is over.
local function rest(key, ends)
  local left = redis.call('PTTL', key)
  if not ends or ends == '' then return left end
  if left < 0 then return 0 end
  return math.max(tonumber(ends) - clock(key, left), 0)
end

-- revoke takes a lease out of a control key, and leaves the marker that it carries.
local function revoke(key, marker, ends)
  local ttl = marker and rest(key, ends) or 0
  if ttl <= 0 or redis.pcall('SET', key, marker, 'PX', ttl).err then redis.call('DEL', key) end
end

