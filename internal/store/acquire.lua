-- Obtains the lease of a key, or tells what makes a load needless or forbidden.
-- KEYS: value, control. ARGV: token, life of the lease in ms, type of the value,
-- 1 to have the lease beside a value that is there.
-- Returns one of
--   present | empty | absent      what Redis knows of the key
--   busy, ms                      another has the lease, for so long
--   full                          no memory for a lease
--   granted, expiry, life, mark, ms
-- where expiry and life of the value (PEXPIRETIME and PTTL) tell later whether it is
-- still the same, and mark is what the lease has replaced, with its own life.
local kind = redis.call('TYPE', KEYS[1]).ok
local beside = ARGV[4] == '1'
if kind == ARGV[3] and not beside then return {'present'} end

local lease = 'L' .. ARGV[1]
local held = redis.pcall('GET', KEYS[2]) -- a table if the key is of another type
local mark, left = '', 0
if type(held) == 'string' and held ~= lease then -- it is ours if this command is repeated
  left = redis.call('PTTL', KEYS[2])
  if #held == #lease and string.sub(held, 1, 1) == 'L' and left >= 0 then return {'busy', left} end
  if held == 'N' or (held == 'E' and ARGV[3] ~= 'string') then
    if kind == 'none' and not beside then return {held == 'N' and 'absent' or 'empty'} end
    mark = held
  end
end

if held ~= lease then
  local set = redis.pcall('SET', KEYS[2], lease, 'PX', ARGV[2])
  if set.err then
    if string.find(set.err, 'OOM', 1, true) then return {'full'} end
    return set
  end
end
if kind == 'none' then return {'granted', -2, -2, mark, left} end -- what the two commands answer then
return {'granted', redis.call('PEXPIRETIME', KEYS[1]), redis.call('PTTL', KEYS[1]), mark, left}
