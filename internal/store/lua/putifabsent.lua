-- Stores a value unless the key holds one of the same type.
-- KEYS: value, control, and the values of the neighbouring versions. ARGV: type, TTL in ms or
-- -1, the marker of an empty value, the command that adds to a value, and its arguments; none for
-- an empty value.
-- Returns 1 when stored, 0 when not.
local type = redis.call('TYPE', KEYS[1]).ok
if type == ARGV[1] then return 0 end
if type == 'none' and ARGV[3] ~= '' then
  local _, marker = control(KEYS[2])
  if isEmpty(marker, ARGV[3]) then return 0 end
end

-- Full memory refuses a script's first write only: that must be the one which
-- stores, not a DEL of nothing.
if type ~= 'none' then redis.call('DEL', KEYS[1]) end
local ttl = tonumber(ARGV[2])
if #ARGV == 4 then
  if ttl < 0 then ttl = 315360000000 end -- a control key always has a TTL: ten years
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ttl)
  removeNeighbours(#KEYS)
  return 1
end
for i = 5, #ARGV, 2000 do -- unpack has a limit
  redis.call(ARGV[4], KEYS[1], unpack(ARGV, i, math.min(i + 1999, #ARGV)))
end
if ttl >= 0 then redis.call('PEXPIRE', KEYS[1], ttl) end
redis.call('DEL', KEYS[2])
removeNeighbours(#KEYS)
return 1
