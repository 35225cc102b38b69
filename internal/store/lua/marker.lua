-- Ends a load that has no value to store, and its lease.
-- KEYS: value, control, and of a refresh the values of the neighbouring versions. ARGV: as in
-- guard.lua, then a marker with its TTL in ms, or nothing for none.
-- Returns 1 when done, 0 when not permitted.
local may, carried, ends = permitted()
if not may then return 0 end
local removed = removeNeighbours(#KEYS)
if ARGV[3] ~= '-2' then redis.call('UNLINK', KEYS[1]) end
if #ARGV > 5 then
  local marker, ttl = ARGV[6], tonumber(ARGV[7])
  if marker ~= 'N' and not removed then
    -- That the values of other versions are empty stays known, for no longer than it was.
    local left = carried and carried ~= 'N' and not isEmpty(carried, marker) and rest(KEYS[2], ends) or 0
    if left > 0 then
      marker, ttl = 'E' .. versions(carried) .. versions(marker), math.min(ttl, left)
    end
  end
  redis.call('SET', KEYS[2], marker, 'PX', ttl)
else
  redis.call('DEL', KEYS[2])
end
return 1
