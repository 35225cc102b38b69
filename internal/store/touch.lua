-- Gives a value a new life.
-- KEYS: value, control. ARGV: type, life in ms or -1, life of an empty mark in ms.
-- Returns 1, or 0 when there is no value.
local kind = redis.call('TYPE', KEYS[1]).ok
local noted = redis.pcall('GET', KEYS[2]) -- a table if the key is of another type
if type(noted) ~= 'string' then noted = '' end
local leased = string.sub(noted, 1, 1) == 'L'
if kind == ARGV[1] then
  local was = text(redis.call('PEXPIRETIME', KEYS[1]))
  if tonumber(ARGV[2]) < 0 then
    redis.call('PERSIST', KEYS[1])
  else
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  -- A refresh takes a changed life for a changed value, unless it is told: from which
  -- expiry to which the value was touched, with nothing else in between.
  if leased then
    local first, last = string.match(noted, '^T(.+):(.+)$', 18)
    if #noted == 17 then first, last = was, was end
    if first and same(last, was) then
      local now = text(redis.call('PEXPIRETIME', KEYS[1]))
      redis.call('SET', KEYS[2], string.sub(noted, 1, 17) .. 'T' .. first .. ':' .. now, 'KEEPTTL')
    end
  end
  return 1
end
if kind == 'none' and ARGV[1] ~= 'string' then
  if noted == 'E' then return redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
  if leased and string.sub(noted, 18) == 'E' then return 1 end -- a refresh is about to give it its life
end
return 0
