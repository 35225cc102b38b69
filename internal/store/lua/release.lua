-- Gives a lease back whose load has come to nothing.
-- KEYS: control. ARGV: token, then the marker that the lease has replaced with its expiry
-- (PEXPIRETIME), or nothing for none.
-- Returns 1, or 0 when the lease had ended.
if control(KEYS[1]) ~= ARGV[1] then return 0 end
if #ARGV > 1 then
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return 1
