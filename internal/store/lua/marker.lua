-- Ends a load that has no value to store, and its lease.
-- KEYS: value, control. ARGV: as in guard.lua, then a marker with its TTL in ms, or
-- nothing for none.
-- Returns 1 when done, 0 when not permitted.
if not permitted() then return 0 end
if ARGV[3] ~= '-2' then redis.call('UNLINK', KEYS[1]) end
if #ARGV > 5 then
  redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[7])
else
  redis.call('DEL', KEYS[2])
end
return 1
