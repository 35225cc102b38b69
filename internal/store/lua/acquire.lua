-- Obtains the lease of a key, or tells what makes a load needless or forbidden.
-- KEYS: value, control. ARGV: token, TTL of the lease in ms, type of the value,
-- 1 to have the lease beside a value that is there, the marker of an empty value, see isEmpty,
-- the length of a string up to which it is read, -1 for none,
-- then the tokens of earlier attempts whose answers were lost.
-- Returns one of
--   present                       the key has a value
--   present, ms, value            the same, with its TTL
--   empty | absent, ms            the marker that stands for it, which lives for so long
--   busy, ms                      another has the lease, for so long: at most the TTL asked for
--   full                          no memory for a lease
--   1                             granted, where nothing was before
--   granted, expiry, TTL, digest, marker, expiry, ms
-- where expiry, TTL and digest of the value tell later whether it is still the same, see
-- guard.lua, and marker is what the lease has replaced, with the expiry and the TTL of that.
for i = 7, #ARGV do
  local token, marker, ends = control(KEYS[2])
  if token == ARGV[i] then revoke(KEYS[2], marker, ends) end
end
local kind = redis.call('TYPE', KEYS[1]).ok
local beside = ARGV[4] == '1'
if kind == ARGV[3] and not beside then
  local longest = tonumber(ARGV[6])
  if longest < 0 or redis.call('STRLEN', KEYS[1]) > longest then return {'present'} end
  return {'present', redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[1])}
end

local lease = 'L' .. ARGV[1]
local held = true
if kind == 'none' then
  held = redis.pcall('SET', KEYS[2], lease, 'PX', ARGV[2], 'NX', 'GET')
  if not held then return 1 end
end
if type(held) ~= 'string' then held = redis.pcall('GET', KEYS[2]) end
local leased, marker, moment = parse(held) -- an error if the key is of another type
local left = (leased or marker) and redis.call('PTTL', KEYS[2]) or 0
if leased and left < 0 then leased, marker = nil, nil end -- nobody would ever end it
if kind == 'none' and not beside and marker then
  local lives = leased and rest(KEYS[2], moment) or left
  if marker == 'N' then return {'absent', lives} end
  if isEmpty(marker, ARGV[5]) then return {'empty', lives} end
end
if leased then
  -- A process that waits for a lease gives it no longer than its own would have: its holder may be
  -- dead, and the clock have gone back since. A living one renews it before.
  if left > tonumber(ARGV[2]) then
    left = tonumber(ARGV[2])
    redis.call('PEXPIRE', KEYS[2], left)
  end
  return {'busy', left}
end

-- The lease carries the marker and the moment of its expiry, so that a caller that asks
-- meanwhile is answered; but not beyond the marker's own TTL.
local ends = 0
if left < 0 then marker = nil end -- it has no TTL to return to
if marker then
  ends = redis.call('PEXPIRETIME', KEYS[2])
  if left > tonumber(ARGV[2]) then lease = carry(lease, marker, text(ends)) end
end
marker = marker or ''
local set = redis.pcall('SET', KEYS[2], lease, 'PX', ARGV[2])
if set.err then
  if string.find(set.err, 'OOM', 1, true) then return {'full'} end
  return set
end
if kind == 'none' then return {'granted', '-2', '-2', '', marker, ends, left} end -- what the commands answer then
local expiry = redis.call('PEXPIRETIME', KEYS[1])
return {'granted', text(expiry), text(redis.call('PTTL', KEYS[1])), digest(expiry), marker, ends, left}
