-- Replaces what a key holds, and what its control key says.
-- KEYS: value, control, the values of the neighbouring versions, and the staged value if there is
-- one. ARGV: TTL in ms, or -1 for none or one that the command sets; "staged", or what the control
-- key is to hold in place of a value, or nothing; then of a value that is staged the command that
-- counts its parts and their number, of any other the command that adds to a value and its
-- arguments.
-- Returns 1, or -1 when the staged value is incomplete.
local ttl, marker = tonumber(ARGV[1]), ARGV[2]
local staged = marker == 'staged' and KEYS[#KEYS]
if marker ~= '' and not staged then
  redis.call('SET', KEYS[2], marker, 'PX', ttl) -- first: full memory refuses it
  redis.call('UNLINK', KEYS[1])
  removeNeighbours(#KEYS)
  return 1
end
if staged and redis.pcall(ARGV[3], staged) ~= tonumber(ARGV[4]) then
  redis.call('UNLINK', staged)
  return -1
end
-- Full memory refuses a script's first write only: that must not be an UNLINK.
if ARGV[3] ~= 'set' and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('SET', KEYS[2], '', 'PX', 1)
  redis.call('UNLINK', KEYS[1])
end
if staged then
  redis.call('RENAME', staged, KEYS[1])
  if ttl < 0 then redis.call('PERSIST', KEYS[1]) end
else
  for i = 4, #ARGV, 2000 do -- unpack has a limit
    redis.call(ARGV[3], KEYS[1], unpack(ARGV, i, math.min(i + 1999, #ARGV)))
  end
end
if ttl >= 0 then redis.call('PEXPIRE', KEYS[1], ttl) end
redis.call('DEL', KEYS[2])
removeNeighbours(staged and #KEYS - 1 or #KEYS)
return 1
