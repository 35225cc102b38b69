-- Obtains the lease of a key, or tells what makes a load needless or forbidden.
-- KEYS: value, control. ARGV: token, life of the lease in ms, type of the value,
-- 1 to have the lease beside a value that is there, then the tokens of earlier attempts
-- whose answers were lost.
-- Returns one of
--   present | empty | absent      what Redis knows of the key
--   busy, ms                      another has the lease, for so long
--   full                          no memory for a lease
--   1                             granted, where nothing was before
--   granted, expiry, life, digest, mark, expiry, ms
-- where expiry, life and digest of the value tell later whether it is still the same, see
-- guard.lua, and mark is what the lease has replaced, with the expiry and the life of that.
for i = 5, #ARGV do
  if holds(KEYS[2], ARGV[i]) then redis.call('DEL', KEYS[2]) end
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
if type(held) ~= 'string' then held = '' end -- an error if the key is of another type
local left = held ~= '' and redis.call('PTTL', KEYS[2]) or 0
local leased = string.sub(held, 1, 1) == 'L' and (#held == 17 or #held == 18 or string.sub(held, 18, 18) == 'T') and left >= 0
local mark = leased and string.sub(held, 18) or held
if mark ~= 'N' and (mark ~= 'E' or ARGV[3] == 'string') then mark = '' end
if mark ~= '' and kind == 'none' and not beside then return {mark == 'N' and 'absent' or 'empty'} end
if leased then return {'busy', left} end

-- The lease carries the mark, so that who asks meanwhile is answered; but not beyond the
-- mark's own life.
local ends = 0
if mark ~= '' then
  ends = redis.call('PEXPIRETIME', KEYS[2])
  if left > tonumber(ARGV[2]) then lease = lease .. mark end
end
local set = redis.pcall('SET', KEYS[2], lease, 'PX', ARGV[2])
if set.err then
  if string.find(set.err, 'OOM', 1, true) then return {'full'} end
  return set
end
if kind == 'none' then return {'granted', '-2', '-2', '', mark, ends, left} end -- what the commands answer then
local expiry = redis.call('PEXPIRETIME', KEYS[1])
return {'granted', text(expiry), text(redis.call('PTTL', KEYS[1])), digest(expiry), mark, ends, left}
