-- Obtains the lease of a key, or tells what makes a load needless or forbidden.
-- KEYS: value, control. ARGV: token, life of the lease in ms, type of the value,
-- 1 to have the lease beside a value that is there, then the tokens of earlier attempts
-- whose answers were lost.
-- Returns one of
--   present | empty | absent      what Redis knows of the key
--   busy, ms                      another has the lease, for so long: at most the life asked for
--   full                          no memory for a lease
--   1                             granted, where nothing was before
--   granted, expiry, life, digest, mark, expiry, ms
-- where expiry, life and digest of the value tell later whether it is still the same, see
-- guard.lua, and mark is what the lease has replaced, with the expiry and the life of that.
for i = 5, #ARGV do
  local token, mark, ends = control(KEYS[2])
  if token == ARGV[i] then revoke(KEYS[2], mark, ends) end
end
local kind = redis.call('TYPE', KEYS[1]).ok
local beside = ARGV[4] == '1'
if kind == ARGV[3] and not beside then return {'present'} end

local lease = 'L' .. ARGV[1]
local held = true
if kind == 'none' then
  held = redis.pcall('SET', KEYS[2], lease, 'PX', ARGV[2], 'NX', 'GET')
  if not held then return 1 end
end
if type(held) ~= 'string' then held = redis.pcall('GET', KEYS[2]) end
local leased, mark = parse(held) -- an error if the key is of another type
local left = (leased or mark) and redis.call('PTTL', KEYS[2]) or 0
if leased and left < 0 then leased, mark = nil, nil end -- nobody would ever end it
if mark == 'E' and ARGV[3] == 'string' then mark = nil end
if mark and kind == 'none' and not beside then return {mark == 'N' and 'absent' or 'empty'} end
if leased then
  -- Who waits for a lease gives it no longer than its own would have: its holder may be
  -- dead, and the clock have gone back since. One that lives renews it before.
  if left > tonumber(ARGV[2]) then
    left = tonumber(ARGV[2])
    redis.call('PEXPIRE', KEYS[2], left)
  end
  return {'busy', left}
end

-- The lease carries the mark and the moment of its expiry, so that who asks meanwhile is
-- answered; but not beyond the mark's own life.
local ends = 0
if left < 0 then mark = nil end -- it has no life to return to
if mark then
  ends = redis.call('PEXPIRETIME', KEYS[2])
  if left > tonumber(ARGV[2]) then lease = lease .. mark .. text(ends) end
end
mark = mark or ''
local set = redis.pcall('SET', KEYS[2], lease, 'PX', ARGV[2])
if set.err then
  if string.find(set.err, 'OOM', 1, true) then return {'full'} end
  return set
end
if kind == 'none' then return {'granted', '-2', '-2', '', mark, ends, left} end -- what the commands answer then
local expiry = redis.call('PEXPIRETIME', KEYS[1])
return {'granted', text(expiry), text(redis.call('PTTL', KEYS[1])), digest(expiry), mark, ends, left}
