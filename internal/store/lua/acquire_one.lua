-- Takes the lease of a key of which Redis knows nothing, as of most that are asked for by
-- themselves, before the functions are made that acquire.lua needs for all others.
if ARGV[4] ~= '1' and redis.call('TYPE', KEYS[1]).ok == 'none' then
  local set = redis.pcall('SET', KEYS[2], 'L' .. ARGV[1], 'PX', ARGV[2], 'NX')
  if set and set.ok then return 1 end
end

