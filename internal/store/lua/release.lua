-- Gives a lease back whose load has come to nothing.
-- KEYS: control. ARGV: token, then, if the lease does not carry it, the marker that it has replaced
-- and the expiry of that (PEXPIRETIME). One that was touched does not come back, see touch.lua.
-- Returns 1, or 0 when the lease had ended.
local token, marker, ends, touched = control(KEYS[1])
if token ~= ARGV[1] then return 0 end
if not marker and not touched and #ARGV > 1 then
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
else
  revoke(KEYS[1], marker, ends)
end
return 1
