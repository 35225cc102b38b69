-- Gives a lease back whose load has come to nothing.
-- KEYS: control. ARGV: token, then the mark that the lease has replaced with what is
-- left of its life in ms, or nothing for none.
-- Returns 1, or 0 when the lease had ended.
if redis.pcall('GET', KEYS[1]) ~= 'L' .. ARGV[1] then return 0 end
if #ARGV > 1 then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return 1
