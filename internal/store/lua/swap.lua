-- Puts a loaded value in place that was staged under a key of its own, and ends the
-- lease.
-- KEYS: value, control, staged, and previous of guard.lua. ARGV: as in guard.lua, then the value's
-- TTL in ms or -1, the command that counts a value's parts, and how many there have to be: a
-- command that staged some may have failed.
-- Returns 1 when stored, 0 when not permitted, -1 when the staged value is incomplete.
if redis.pcall(ARGV[7], KEYS[3]) ~= tonumber(ARGV[8]) then
  redis.call('UNLINK', KEYS[3])
  return -1
end
if not permitted(KEYS[4]) then
  redis.call('UNLINK', KEYS[3])
  return 0
end
if ARGV[3] ~= '-2' then redis.call('UNLINK', KEYS[1]) end -- RENAME would free it at once
redis.call('RENAME', KEYS[3], KEYS[1])
if tonumber(ARGV[6]) >= 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
else
  redis.call('PERSIST', KEYS[1])
end
redis.call('DEL', KEYS[2])
return 1
