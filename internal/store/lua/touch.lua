-- Gives a value a new TTL.
-- KEYS: value, control. ARGV: type, TTL in ms or -1, the marker of an empty value and its TTL
-- in ms.
-- Returns 1, or 0 when there is no value.
local kind = redis.call('TYPE', KEYS[1]).ok
local leased, marker, ends, first, last = control(KEYS[2])
if kind == ARGV[1] then
  local was = text(redis.call('PEXPIRETIME', KEYS[1]))
  if tonumber(ARGV[2]) < 0 then
    redis.call('PERSIST', KEYS[1])
  else
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  -- A refresh takes a changed TTL for a changed value, unless it is told: from which
  -- expiry to which the value was touched, with nothing else in between.
  if leased and not marker then
    if not first then first, last = was, was end
    if same(last, was) then
      local now = text(redis.call('PEXPIRETIME', KEYS[1]))
      redis.call('SET', KEYS[2], 'L' .. leased .. 'T' .. first .. ':' .. now, 'KEEPTTL')
    end
  end
  return 1
end
if kind == 'none' and isEmpty(marker, ARGV[3]) then
  if leased then -- it has the new TTL as long as nothing is stored that has one of its own
    if rest(KEYS[2], ends) <= 0 then return 0 end
    local left, lease = redis.call('PTTL', KEYS[2]), 'L' .. leased
    if tonumber(ARGV[4]) > left then
      lease = carry(lease, ARGV[3], text(clock(KEYS[2], left) + ARGV[4]))
    else
      lease = lease .. 'T-2:-2' -- it would outlive that: it is gone, and does not come back
    end
    redis.call('SET', KEYS[2], lease, 'KEEPTTL')
    return 1
  end
  if marker == ARGV[3] then return redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4]) -- the values of other versions do not get it
  return 1
end
return 0
