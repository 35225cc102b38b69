-- Stores a loaded value of moderate size and ends the lease.
-- KEYS: value, control, and of a refresh the values of the neighbouring versions. ARGV: as in
-- guard.lua, then the value's TTL in ms, or -1 for none or one that the command sets, the marker
-- of an empty value, the command that adds to a value, and its arguments.
-- Returns 1 when stored, 0 when not permitted.
local may, carried, ends = permitted()
if not may then return 0 end
local add = ARGV[8]
if add ~= 'set' and ARGV[3] ~= '-2' then redis.call('UNLINK', KEYS[1]) end
for i = 9, #ARGV, 2000 do -- unpack has a limit
  redis.call(add, KEYS[1], unpack(ARGV, i, math.min(i + 1999, #ARGV)))
end
if tonumber(ARGV[6]) >= 0 then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
local removed = removeNeighbours(#KEYS)
revoke(KEYS[2], not removed and others(carried, ARGV[7]), ends)
return 1
