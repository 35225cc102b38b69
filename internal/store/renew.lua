-- Gives a lease a new life.
-- KEYS: control. ARGV: token, life in ms.
-- Returns 1, or 0 when the lease had ended.
if redis.pcall('GET', KEYS[1]) ~= 'L' .. ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
