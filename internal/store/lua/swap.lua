-- Puts a loaded value in place that was staged under a key of its own, and ends the
-- lease.
-- KEYS: value, control, of a refresh the values of the neighbouring versions, and staged.
-- ARGV: as in guard.lua, then the value's TTL in ms or -1, the command that counts a value's
-- parts, how many there have to be, as a command that staged some may have failed, and the marker
-- of an empty value.
-- Returns 1 when stored, 0 when not permitted, -1 when the staged value is incomplete.
local staged = KEYS[#KEYS]
if redis.pcall(ARGV[7], staged) ~= tonumber(ARGV[8]) then
  redis.call('UNLINK', staged)
  return -1
end
local may, carried, ends = permitted()
if not may then
  redis.call('UNLINK', staged)
  return 0
end
if ARGV[3] ~= '-2' then redis.call('UNLINK', KEYS[1]) end -- RENAME would free it at once
redis.call('RENAME', staged, KEYS[1])
if tonumber(ARGV[6]) >= 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
else
  redis.call('PERSIST', KEYS[1])
end
local removed = removeNeighbours(#KEYS - 1)
revoke(KEYS[2], not removed and others(carried, ARGV[9]), ends)
return 1
