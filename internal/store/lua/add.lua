-- Stores a loaded string of moderate size where there was nothing when the lease was
-- granted, and ends the lease: fill.lua for what most loads are for.
-- KEYS: value, control, and of a refresh the values of the neighbouring versions. ARGV: token,
-- the string, then 'px' and its TTL in ms, or nothing for one without end.
-- Returns 1 when stored, 0 when not permitted.
local token, carried, ends = control(KEYS[2])
if token ~= ARGV[1] then return 0 end
local stored = redis.call('SET', KEYS[1], ARGV[2], 'NX', unpack(ARGV, 3))
local removed = stored and removeNeighbours(#KEYS)
revoke(KEYS[2], not removed and others(carried, ''), ends)
return stored and 1 or 0
